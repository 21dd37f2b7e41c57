// POST /v1/device-authorizations: a machine without a key asks for a code that a person can approve
import { Body, Controller, Post, Req, UseGuards } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import {
  type DeviceAuthorizationAnswer,
  type DeviceAuthorizationRequest,
  deviceAuthorizationAnswer,
  deviceAuthorizationRequest,
} from '#protocol';
import { Answers } from '../control/answers.js';
import { Unsigned } from '../control/message.guard.js';
import { RemoteAddress } from '../platform/remote-address.js';
import { AuthorizeDevice } from './authorize-device.js';
import { EnrolmentRateGuard } from './enrolment-rate.guard.js';

@Controller('v1/device-authorizations')
export class DeviceAuthorizationController {
  constructor(
    private readonly authorizeDevice: AuthorizeDevice,
    private readonly remoteAddress: RemoteAddress,
  ) {}

  @Post()
  @Unsigned()
  @UseGuards(EnrolmentRateGuard)
  @Answers(deviceAuthorizationAnswer)
  post(
    @Body({ schema: deviceAuthorizationRequest }) request: DeviceAuthorizationRequest,
    @Req() from: FastifyRequest,
  ): Promise<DeviceAuthorizationAnswer> {
    return this.authorizeDevice.run(request, this.remoteAddress.networkOf(from));
  }
}
