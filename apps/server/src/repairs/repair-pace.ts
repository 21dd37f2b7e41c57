// How long repairs take, from the time at which one is due until it has ended: what the thresholds rest on.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Settings } from '../platform/settings.js';

const REPAIRS_AVERAGED = 100;
/** Fewer say little. */
const REPAIRS_MIN = 10;

@Injectable()
export class RepairPace {
  private measuredMs: number | null = null;

  constructor(private readonly settings: Settings) {}

  /** On average over the last repairs; before there are some, what the policy expects. */
  get repairMs(): number {
    return this.measuredMs ?? this.settings.policy.repair.expectedMs;
  }

  async measure(db: EntityManager): Promise<void> {
    const [row] = await db.query<{ repairs: number | string; average_ms: number | string | null }[]>(
      `SELECT COUNT(*) AS repairs, AVG(ended_at_ms - due_since_ms) AS average_ms FROM (
         SELECT ended_at_ms, due_since_ms FROM repair_tasks WHERE state = 'done'
         ORDER BY ended_at_ms DESC LIMIT ${REPAIRS_AVERAGED}) last`,
    );
    const isEnough = row !== undefined && Number(row.repairs) >= REPAIRS_MIN && row.average_ms !== null;
    this.measuredMs = isEnough ? Math.max(0, Math.round(Number(row.average_ms))) : null;
  }
}
