// GET /healthz: the process is alive. GET /readyz: it can do its work, or why it cannot, in one word.
import { Controller, Get } from '@nestjs/common';
import { z } from 'zod';
import { ProtocolError } from '#protocol';
import { Answers } from '../control/answers.js';
import { Unsigned } from '../control/message.guard.js';
import { Readiness } from './readiness.js';

const ok = z.strictObject({ status: z.literal('ok') });

@Controller()
@Unsigned()
export class HealthController {
  constructor(private readonly readiness: Readiness) {}

  @Get('healthz')
  @Answers(ok)
  alive(): z.infer<typeof ok> {
    return { status: 'ok' };
  }

  /** Anybody may ask: the causes are words, and say nothing of this machine. */
  @Get('readyz')
  @Answers(ok)
  async ready(): Promise<z.infer<typeof ok>> {
    const causes = (await this.readiness.unready()).map(({ cause }) => cause);
    if (causes.length > 0) throw new ProtocolError('not_ready', { cause: causes.join(' ') });
    return { status: 'ok' };
  }
}
