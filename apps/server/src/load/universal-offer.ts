// Whether this broker offers universal tokens at the moment: by policy, or by the load that it measures.
import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Clock, Log, Periodic } from '#process';
import { LOAD_SAMPLE_MS } from '../limits.js';
import { Settings } from '../platform/settings.js';
import { decideUniversal, NO_OFFER, type Offer } from './decide-universal.js';
import { MeasureLoad } from './measure-load.js';

@Injectable()
export class UniversalOffer implements OnModuleInit, OnModuleDestroy {
  private byLoad: Offer = NO_OFFER;
  private readonly sampling: Periodic;

  constructor(
    private readonly measure: MeasureLoad,
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {
    this.sampling = new Periodic({
      name: 'measure-load',
      clock,
      log,
      intervalMs: () => LOAD_SAMPLE_MS,
      run: async () => this.look(),
    });
  }

  get isMade(): boolean {
    const { universal } = this.settings.policy;
    return universal === 'always' || (universal === 'under-load' && this.byLoad.isMade);
  }

  onModuleInit(): void {
    if (this.settings.policy.universal === 'under-load') this.sampling.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.sampling.stop();
  }

  private look(): void {
    const load = this.measure.sample();
    const next = decideUniversal(this.byLoad, load, this.settings.policy.load, this.clock.nowMs());
    if (next.isMade !== this.byLoad.isMade) this.log.info({ event: 'universal_offer', made: next.isMade, ...load });
    this.byLoad = next;
  }
}
