// Measures how busy this process is: how late its event loop runs, and how many writes wait.
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { BrokerDatabase } from '../platform/broker-database.js';
import type { Load } from './decide-universal.js';

const RESOLUTION_MS = 10;
const NANOSECONDS_PER_MS = 1e6;

@Injectable()
export class MeasureLoad implements OnModuleDestroy {
  private readonly delays: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor(private readonly database: BrokerDatabase) {
    this.delays.enable();
  }

  /** The load since the last sample. */
  sample(): Load {
    // The histogram holds how long a timer of RESOLUTION_MS really took.
    const tookMs = this.delays.percentile(99) / NANOSECONDS_PER_MS;
    this.delays.reset();
    return { delayMs: Math.max(0, tookMs - RESOLUTION_MS), waitingWrites: this.database.waitingWrites };
  }

  onModuleDestroy(): void {
    this.delays.disable();
  }
}
