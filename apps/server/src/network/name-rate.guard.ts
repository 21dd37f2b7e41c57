// Bounds how often one remote network may look names up: the route is anybody's, and a list of all names is nobody's.
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Clock } from '#process';
import { NetworkRates } from '../enrolment/network-rates.js';
import { NAME_LOOKUPS_PER_MINUTE_MAX } from '../limits.js';
import { RemoteAddress } from '../platform/remote-address.js';

@Injectable()
export class NameRateGuard implements CanActivate {
  private readonly rates = new NetworkRates(NAME_LOOKUPS_PER_MINUTE_MAX);

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
