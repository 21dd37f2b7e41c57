// GET /v1/credit
import { Controller, Get } from '@nestjs/common';
import { type CreditAnswer, creditAnswer } from '#protocol';
import { Answers } from '../control/answers.js';
import { type Caller, CurrentCaller } from '../control/caller.js';
import { TellCredit } from './tell-credit.js';

@Controller('v1/credit')
export class CreditController {
  constructor(private readonly tellCredit: TellCredit) {}

  @Get()
  @Answers(creditAnswer)
  get(@CurrentCaller() { peer }: Caller): Promise<CreditAnswer> {
    return this.tellCredit.run(peer);
  }
}
