// GET /healthz, /readyz on the admin listener: as on the public one, with what exactly is the matter
import { Controller, Get } from '@nestjs/common';
import { z } from 'zod';
import { ProtocolError } from '#protocol';
import { Readiness } from '../../health/readiness.js';
import { AdminRoute } from '../access/admin-route.js';

const ok = z.strictObject({ status: z.literal('ok') });

@Controller()
export class AdminProbesController {
  constructor(private readonly readiness: Readiness) {}

  @Get('healthz')
  @AdminRoute({ role: 'viewer', answers: ok })
  alive(): z.infer<typeof ok> {
    return { status: 'ok' };
  }

  @Get('readyz')
  @AdminRoute({ role: 'viewer', answers: ok })
  async ready(): Promise<z.infer<typeof ok>> {
    const unready = await this.readiness.unready();
    if (unready.length === 0) return { status: 'ok' };
    const detail = unready.map((one) => `${one.cause}: ${one.detail}`).join('; ');
    throw new ProtocolError('not_ready', { cause: unready.map(({ cause }) => cause).join(' ') }, { detail });
  }
}
