// Bounds how often one remote network may try to enrol: the one route that costs work and that anybody may call.
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Clock } from '#process';
import { ProtocolError } from '#protocol';
import { ENROLLING_NETWORKS_MAX } from '../limits.js';
import { RemoteAddress } from '../platform/remote-address.js';
import { Settings } from '../platform/settings.js';

const MINUTE_MS = 60_000;

@Injectable()
export class EnrolmentRateGuard implements CanActivate {
  private readonly attempts = new Map<string, number>();
  private minute = 0;

  constructor(
    private readonly clock: Clock,
    private readonly settings: Settings,
    private readonly remoteAddress: RemoteAddress,
  ) {}

  /** throws rate_exceeded, also when more networks come in one minute than are remembered */
  canActivate(context: ExecutionContext): boolean {
    const minute = Math.floor(this.clock.monotonicMs() / MINUTE_MS);
    if (minute !== this.minute) {
      this.attempts.clear();
      this.minute = minute;
    }
    const network = this.remoteAddress.networkOf(context.switchToHttp().getRequest<FastifyRequest>());
    const attempts = (this.attempts.get(network) ?? 0) + 1;
    const full = attempts === 1 && this.attempts.size >= ENROLLING_NETWORKS_MAX;
    if (full || attempts > this.settings.policy.enrolmentsPerMinute) throw new ProtocolError('rate_exceeded');
    this.attempts.set(network, attempts);
    return true;
  }
}
