// Bounds how often one remote network may ask for pictures and sounds: each is drawn or mixed for it.
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Clock } from '#process';
import { ProtocolError } from '#protocol';
import { RemoteAddress } from '../platform/remote-address.js';
import { RENDERING_NETWORKS_MAX, RENDERINGS_PER_MINUTE_MAX } from './limits.js';

const MINUTE_MS = 60_000;

@Injectable()
export class RenderingRateGuard implements CanActivate {
  private readonly renderings = new Map<string, number>();
  private endsMs = 0;

  constructor(
    private readonly clock: Clock,
    private readonly remoteAddress: RemoteAddress,
  ) {}

  /** throws rate_exceeded for one network, overloaded when more networks ask in a minute than are remembered */
  canActivate(context: ExecutionContext): boolean {
    const nowMs = this.clock.monotonicMs();
    if (nowMs >= this.endsMs) {
      this.renderings.clear();
      this.endsMs = nowMs + MINUTE_MS;
    }
    const network = this.remoteAddress.networkOf(context.switchToHttp().getRequest<FastifyRequest>());
    const before = this.renderings.get(network);
    if (before === undefined && this.renderings.size >= RENDERING_NETWORKS_MAX) throw new ProtocolError('overloaded');
    if (before !== undefined && before >= RENDERINGS_PER_MINUTE_MAX) throw new ProtocolError('rate_exceeded');
    this.renderings.set(network, (before ?? 0) + 1);
    return true;
  }
}
