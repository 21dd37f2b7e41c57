// HostTime by the broker client's time and this process's clock.
import { Injectable } from '@nestjs/common';
import { BrokerClient } from '#broker-api';
import { Clock } from '#process';
import { CLOCK_SKEW_MS_MAX, type UnixMs } from '#protocol';
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
   * Until the broker has told the time the local clock may be behind by the skew: then the later end counts, so that
   * no token issued before the start passes as one issued after it.
   */
  startedAtMs(): UnixMs {
    const brokerNowMs = this.brokerNowMs();
    if (brokerNowMs === null) return this.startedWallMs + CLOCK_SKEW_MS_MAX;
    return brokerNowMs - (this.clock.monotonicMs() - this.startedMonotonicMs);
  }
}
