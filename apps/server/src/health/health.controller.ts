// GET /healthz: the broker answers, and its database does
import { Controller, Get } from '@nestjs/common';
import { z } from 'zod';
import { Answers } from '../control/answers.js';
import { Unsigned } from '../control/message.guard.js';
import { BrokerDatabase } from '../platform/broker-database.js';

const health = z.strictObject({ status: z.literal('ok') });

@Controller('healthz')
export class HealthController {
  constructor(private readonly database: BrokerDatabase) {}

  @Get()
  @Unsigned()
  @Answers(health)
  async get(): Promise<z.infer<typeof health>> {
    await this.database.reads.query('SELECT 1');
    return { status: 'ok' };
  }
}
