// Writes down once an hour how the network is, sums the hours of a day up, and lets go what is older than the policy keeps.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '#process';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { MeasureNetwork } from './measure-network.js';
import { auditsSince, mergeSamples, type NetworkSample, type SampleStep } from './network-sample.js';
import { forgetSamples, readLastHour, readSample, writeSample } from './sample-rows.js';

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;
const STEP_MS: Readonly<Record<SampleStep, number>> = { hour: HOUR_MS, day: DAY_MS };

@Injectable()
export class SampleNetwork {
  private lastSample: NetworkSample | null = null;

  constructor(
    private readonly measure: MeasureNetwork,
    private readonly database: BrokerDatabase,
    private readonly settings: Settings,
    private readonly clock: Clock,
  ) {}

  /** The newest of this process; null before the first. */
  get latest(): NetworkSample | null {
    return this.lastSample;
  }

  /** Until the next hour begins. */
  pauseMs(): number {
    return HOUR_MS - (this.clock.nowMs() % HOUR_MS);
  }

  async run(): Promise<void> {
    const { audits, ...measured } = await this.measure.run();
    const nowMs = this.clock.nowMs();
    const { hoursForDays, daysForDays } = this.settings.policy.history;
    this.lastSample = await this.database.write(async (db) => {
      const sample = { ...measured, ...auditsSince(await readLastHour(db), audits) };
      await add(db, 'hour', nowMs, sample);
      await add(db, 'day', nowMs, sample);
      await forgetSamples(db, 'hour', nowMs - hoursForDays * DAY_MS);
      await forgetSamples(db, 'day', nowMs - daysForDays * DAY_MS);
      return sample;
    });
  }
}

/** A broker that is restarted within an hour has several samples of it. */
async function add(db: EntityManager, step: SampleStep, nowMs: number, sample: NetworkSample): Promise<void> {
  const atMs = nowMs - (nowMs % STEP_MS[step]);
  const before = await readSample(db, step, atMs);
  await writeSample(db, step, atMs, before === null ? sample : mergeSamples(before, sample));
}
