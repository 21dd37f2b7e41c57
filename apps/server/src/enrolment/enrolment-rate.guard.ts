// Bounds how often one remote network may try to enrol: the one route that costs work and that anybody may call.
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Clock } from '#process';
import { RemoteAddress } from '../platform/remote-address.js';
import { Settings } from '../platform/settings.js';
import { NetworkRates } from './network-rates.js';

@Injectable()
export class EnrolmentRateGuard implements CanActivate {
  private readonly rates: NetworkRates;

  constructor(
    private readonly clock: Clock,
    settings: Settings,
    private readonly remoteAddress: RemoteAddress,
  ) {
    this.rates = new NetworkRates(settings.policy.enrolmentsPerMinute);
  }

  /** throws rate_exceeded | overloaded: see NetworkRates */
  canActivate(context: ExecutionContext): boolean {
    const network = this.remoteAddress.networkOf(context.switchToHttp().getRequest<FastifyRequest>());
    this.rates.count(network, this.clock.monotonicMs());
    return true;
  }
}
