// HostTime by the broker client's time, this process's clock, and what the broker said last before this process.
import { Injectable } from '@nestjs/common';
import { BrokerClient } from '#broker-api';
import { Clock } from '#process';
import { CLOCK_SKEW_MS_MAX, type UnixMs } from '#protocol';
import { BROKER_TIME_STEP_MS } from '../limits.js';
import { AgentState } from './agent-state.js';
import { HostTime } from './host-time.js';

@Injectable()
export class BrokerHostTime extends HostTime {
  private readonly startedWallMs: UnixMs;
  private readonly startedMonotonicMs: number;

  constructor(
    private readonly broker: BrokerClient,
    private readonly clock: Clock,
    private readonly state: AgentState,
  ) {
    super();
    this.startedWallMs = clock.nowMs();
    this.startedMonotonicMs = clock.monotonicMs();
  }

  /** Never earlier than what the broker said last, in this process or the one before: a clock set back revives nothing. */
  nowMs(): UnixMs {
    return this.brokerNowMs() ?? Math.max(this.clock.nowMs(), this.state.lastContactMs + this.runningMs());
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
    if (brokerNowMs === null) return Math.max(this.startedWallMs, this.state.lastContactMs) + CLOCK_SKEW_MS_MAX;
    return brokerNowMs + BROKER_TIME_STEP_MS - this.runningMs();
  }

  private runningMs(): number {
    return Math.floor(this.clock.monotonicMs() - this.startedMonotonicMs);
  }
}
