// HostTime by the broker client's time and this process's clock.
import { Injectable } from '@nestjs/common';
import { BrokerClient } from '#broker-api';
import { Clock } from '#process';
import { CLOCK_SKEW_MS_MAX, type UnixMs } from '#protocol';
import { BROKER_TIME_STEP_MS } from '../limits.js';
import { HostTime } from './host-time.js';

@Injectable()
export class BrokerHostTime extends HostTime {
  private readonly startedWallMs: UnixMs;
  private readonly startedMonotonicMs: number;

  constructor(
    private readonly broker: BrokerClient,
    private readonly clock: Clock,
  ) {
    super();
    this.startedWallMs = clock.nowMs();
    this.startedMonotonicMs = clock.monotonicMs();
  }

  nowMs(): UnixMs {
    return this.broker.brokerTime.nowMs();
  }

  brokerNowMs(): UnixMs | null {
    return this.broker.brokerTime.known ? this.broker.brokerTime.nowMs() : null;
  }

  /**
   * The latest that it can have been, so that no token issued before the start passes as one issued after it: the
   * broker tells the time in whole steps, and until it has told it the local clock may be behind by the skew.
   */
  startedAtMs(): UnixMs {
    const brokerNowMs = this.brokerNowMs();
    if (brokerNowMs === null) return this.startedWallMs + CLOCK_SKEW_MS_MAX;
    return brokerNowMs + BROKER_TIME_STEP_MS - (this.clock.monotonicMs() - this.startedMonotonicMs);
  }
}
