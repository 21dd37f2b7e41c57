// GET /v1/names/{name}
import { Controller, Get, Param, UseGuards } from '@nestjs/common';
import { type NameAnswer, nameAnswer, ProtocolError } from '#protocol';
import { Answers } from '../control/answers.js';
import { Unsigned } from '../control/message.guard.js';
import { FindByName } from './find-by-name.js';
import { NameRateGuard } from './name-rate.guard.js';

@Controller('v1/names')
export class NamesController {
  constructor(private readonly findByName: FindByName) {}

  @Get(':name')
  @Unsigned()
  @UseGuards(NameRateGuard)
  @Answers(nameAnswer)
  async get(@Param('name') name: string): Promise<NameAnswer> {
    const found = await this.findByName.run(name);
    if (found === null) throw new ProtocolError('name_unknown');
    return found;
  }
}
