// Counts in memory what the broker itself refuses, so that a flood of refusals is no flood of writes (B17).
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { REFUSAL_COUNTS_MAX } from '../limits.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { addCount, type Failure, nameOf } from './peer-failures.js';

interface Count {
  readonly failure: Failure;
  count: number;
  lastAtMs: number;
}

/** A crash forgets what was counted since the last write; a clean stop forgets nothing. */
@Injectable()
export class RefusalCounts implements OnModuleDestroy {
  private counts = new Map<string, Count>();

  constructor(private readonly database: BrokerDatabase) {}

  add(failures: readonly Failure[], nowMs: number): void {
    for (const failure of failures) this.addOne(failure, nowMs);
  }

  /** Write down what was counted since the last time. */
  async write(): Promise<void> {
    const written = this.counts;
    if (written.size === 0) return;
    this.counts = new Map();
    try {
      await this.database.write(async (db) => {
        for (const { failure, count, lastAtMs } of written.values()) await addCount(db, failure, count, lastAtMs);
      });
    } catch (error) {
      for (const { failure, count, lastAtMs } of written.values()) this.addOne({ ...failure, count }, lastAtMs);
      throw error;
    }
  }

  async onModuleDestroy(): Promise<void> {
    await this.write();
  }

  private addOne(failure: Failure, atMs: number): void {
    // Past the bound peers are counted without their names: how often stays known, who does not.
    const isNew = !this.counts.has(nameOf(failure));
    const counted =
      isNew && this.counts.size >= REFUSAL_COUNTS_MAX ? { ...failure, hostId: null, clientId: null } : failure;
    const entry = this.counts.get(nameOf(counted)) ?? { failure: counted, count: 0, lastAtMs: atMs };
    entry.count += failure.count ?? 1;
    entry.lastAtMs = Math.max(entry.lastAtMs, atMs);
    this.counts.set(nameOf(counted), entry);
  }
}
