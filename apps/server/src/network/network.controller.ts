// GET /v1/network
import { Controller, Get } from '@nestjs/common';
import { type NetworkAnswer, networkAnswer } from '#protocol';
import { Answers } from '../control/answers.js';
import { type Caller, CurrentCaller } from '../control/caller.js';
import { ForRelaysToo } from '../control/relay-rights.js';
import { TellNetwork } from './tell-network.js';

@Controller('v1/network')
export class NetworkController {
  constructor(private readonly tellNetwork: TellNetwork) {}

  @Get()
  @ForRelaysToo()
  @Answers(networkAnswer)
  get(@CurrentCaller() caller: Caller): Promise<NetworkAnswer> {
    return this.tellNetwork.run(caller);
  }
}
