// Bounds how often one remote network may ask for pictures and sounds: each is drawn or mixed for it.
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Clock } from '#process';
import { NetworkRates } from '../enrolment/network-rates.js';
import { RemoteAddress } from '../platform/remote-address.js';
import { RENDERINGS_PER_MINUTE_MAX } from './limits.js';

@Injectable()
export class RenderingRateGuard implements CanActivate {
  private readonly rates = new NetworkRates(RENDERINGS_PER_MINUTE_MAX);

  constructor(
    private readonly clock: Clock,
    private readonly remoteAddress: RemoteAddress,
  ) {}

  /** throws rate_exceeded | overloaded: see NetworkRates */
  canActivate(context: ExecutionContext): boolean {
    const network = this.remoteAddress.networkOf(context.switchToHttp().getRequest<FastifyRequest>());
    this.rates.count(network, this.clock.monotonicMs());
    return true;
  }
}
