// POST /v1/enrolments, the one message of a machine that no transaction key signs yet
import { Body, Controller, Post, UseGuards } from '@nestjs/common';
import { type EnrolAnswer, type EnrolRequest, enrolAnswer, enrolRequest } from '#protocol';
import { Answers } from '../control/answers.js';
import { Unsigned } from '../control/message.guard.js';
import { EnrolPeer } from './enrol-peer.js';
import { EnrolmentRateGuard } from './enrolment-rate.guard.js';

@Controller('v1/enrolments')
export class EnrolmentController {
  constructor(private readonly enrolPeer: EnrolPeer) {}

  @Post()
  @Unsigned()
  @UseGuards(EnrolmentRateGuard)
  @Answers(enrolAnswer)
  post(@Body({ schema: enrolRequest }) request: EnrolRequest): Promise<EnrolAnswer> {
    return this.enrolPeer.run(request);
  }
}
