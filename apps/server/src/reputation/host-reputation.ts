// What the broker has seen of its hosts (B23): how much they are there, how fast they are. In memory, and written now and
// then: a crash forgets what came since.
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { changeMany, changeOne } from '#database';
import { Clock } from '#process';
import type { PeerId } from '#protocol';
import { REPUTATIONS_WRITTEN_AT_ONCE_MAX } from '../limits.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { type MeasuredTransfer, type Speed, speedAfter } from './decide-speed.js';
import { firstWindow, uptimeFrom, windowOf } from './decide-uptime.js';

interface Seen {
  shares: number;
  windows: number;
  /** Answers in past windows. */
  answered: number;
  current: { asked: number; answered: number };
}

@Injectable()
export class HostReputation implements OnModuleInit {
  // At most one each for every enrolled peer.
  private readonly seen = new Map<PeerId, Seen>();
  private readonly speeds = new Map<PeerId, Speed & { readonly measuredAtMs: number }>();
  private readonly unwritten = new Set<PeerId>();
  private readonly unwrittenSpeeds = new Set<PeerId>();
  private windowMs: number;

  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
  ) {
    this.windowMs = windowOf(clock.nowMs());
  }

  async onModuleInit(): Promise<void> {
    await this.readUptime();
    const rows = await this.database.reads.query<
      { peer_id: PeerId; bytes_per_second: number; samples: number | string; measured_at_ms: number | string }[]
    >('SELECT peer_id, bytes_per_second, samples, measured_at_ms FROM peer_speeds');
    for (const { peer_id, bytes_per_second: bytesPerSecond, samples, measured_at_ms } of rows) {
      this.speeds.set(peer_id, { bytesPerSecond, samples: Number(samples), measuredAtMs: Number(measured_at_ms) });
    }
  }

  /** Somebody asked this host whether it is there, or would have, had it not been silent. */
  noteAsked(peerId: PeerId, answered: boolean): void {
    // What is asked while the window turns counts for the one that ends.
    const seen = this.seen.get(peerId) ?? { shares: 0, windows: 0, answered: 0, current: { asked: 0, answered: 0 } };
    seen.current.asked++;
    if (answered) seen.current.answered++;
    this.seen.set(peerId, seen);
    this.unwritten.add(peerId);
  }

  noteTransfer(peerId: PeerId, transfer: MeasuredTransfer): void {
    const speed = speedAfter(this.speeds.get(peerId), transfer);
    if (speed === null) return;
    this.speeds.set(peerId, { ...speed, measuredAtMs: this.clock.nowMs() });
    this.unwrittenSpeeds.add(peerId);
  }

  /** 0 to 1; null for a host that nobody has asked. */
  uptimeOf(peerId: PeerId): number | null {
    const seen = this.seen.get(peerId);
    return seen === undefined ? null : uptimeFrom(seen);
  }

  /** Times that it answered, over the windows that are kept. */
  answersOf(peerId: PeerId): number {
    const seen = this.seen.get(peerId);
    return seen === undefined ? 0 : seen.answered + seen.current.answered;
  }

  speedOf(peerId: PeerId): number | null {
    return this.speeds.get(peerId)?.bytesPerSecond ?? null;
  }

  /** Hosts that answered in a window that is kept. */
  known(): PeerId[] {
    return [...this.seen].flatMap(([peerId, { answered, current }]) =>
      answered + current.answered > 0 ? [peerId] : [],
    );
  }

  /** Write down what is new; at the end of a window, begin the next and forget the oldest. */
  async keep(): Promise<void> {
    await this.writeUptime();
    await this.writeSpeeds();
    const nowMs = this.clock.nowMs();
    if (windowOf(nowMs) === this.windowMs) return;
    this.windowMs = windowOf(nowMs);
    await this.database.write((db) =>
      changeMany(db, 'DELETE FROM peer_uptime WHERE window_ms < $1', [firstWindow(nowMs)]),
    );
    await this.readUptime();
  }

  private async readUptime(): Promise<void> {
    const rows = await this.database.reads.query<
      {
        peer_id: PeerId;
        is_current: number | boolean;
        shares: number;
        windows: number | string;
        asked: number | string;
        answered: number | string;
      }[]
    >(
      `SELECT peer_id, CASE WHEN window_ms = $1 THEN 1 ELSE 0 END AS is_current, COUNT(*) AS windows,
         SUM(CAST(answered AS double precision) / asked) AS shares, SUM(asked) AS asked, SUM(answered) AS answered
       FROM peer_uptime WHERE window_ms >= $2 AND asked > 0
       GROUP BY peer_id, CASE WHEN window_ms = $1 THEN 1 ELSE 0 END`,
      [this.windowMs, firstWindow(this.windowMs)],
    );
    this.seen.clear();
    for (const row of rows) {
      const seen = this.seen.get(row.peer_id) ?? {
        shares: 0,
        windows: 0,
        answered: 0,
        current: { asked: 0, answered: 0 },
      };
      if (Number(row.is_current) === 1) seen.current = { asked: Number(row.asked), answered: Number(row.answered) };
      else
        Object.assign(seen, {
          shares: Number(row.shares),
          windows: Number(row.windows),
          answered: Number(row.answered),
        });
      this.seen.set(row.peer_id, seen);
    }
  }

  private async writeUptime(): Promise<void> {
    const { windowMs } = this;
    await this.writeEach(this.unwritten, (peerId) => {
      const { asked, answered } = this.seen.get(peerId)?.current ?? { asked: 0, answered: 0 };
      return {
        sql: `INSERT INTO peer_uptime (peer_id, window_ms, asked, answered) VALUES ($1, $2, $3, $4)
          ON CONFLICT (peer_id, window_ms) DO UPDATE SET asked = excluded.asked, answered = excluded.answered`,
        values: [peerId, windowMs, asked, answered],
      };
    });
  }

  private async writeSpeeds(): Promise<void> {
    await this.writeEach(this.unwrittenSpeeds, (peerId) => {
      const { bytesPerSecond, samples, measuredAtMs } = this.speeds.get(peerId)!;
      return {
        sql: `INSERT INTO peer_speeds (peer_id, bytes_per_second, samples, measured_at_ms) VALUES ($1, $2, $3, $4)
          ON CONFLICT (peer_id) DO UPDATE SET bytes_per_second = excluded.bytes_per_second, samples = excluded.samples,
            measured_at_ms = excluded.measured_at_ms`,
        values: [peerId, bytesPerSecond, samples, measuredAtMs],
      };
    });
  }

  private async writeEach(
    unwritten: Set<PeerId>,
    statement: (peerId: PeerId) => { readonly sql: string; readonly values: readonly (string | number)[] },
  ): Promise<void> {
    while (unwritten.size > 0) {
      const some = [...unwritten].slice(0, REPUTATIONS_WRITTEN_AT_ONCE_MAX);
      for (const peerId of some) unwritten.delete(peerId);
      await this.database.write(async (db) => {
        for (const { sql, values } of some.map(statement)) await changeOne(db, sql, values);
      });
    }
  }
}
