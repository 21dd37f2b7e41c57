// One writer for everybody: callers' units run one after another and share commits (group commit).

import type { EntityManager } from 'typeorm';
import { ProtocolError } from '#protocol';
import { WRITE_UNITS_PENDING_MAX, WRITE_UNITS_PER_COMMIT_MAX } from './limits.js';

/** The connection that writes, as the queue drives it. */
export abstract class WriteConnection {
  abstract readonly db: EntityManager;
  /** Take the right to write at once, so that no later statement can fail because another process wrote between. */
  abstract begin(): Promise<void>;
  abstract commit(): Promise<void>;
  abstract rollBack(): Promise<void>;
  abstract markUnit(): Promise<void>;
  abstract keepUnit(): Promise<void>;
  abstract undoUnit(): Promise<void>;
}

/**
 * What one caller writes, all or nothing. It reads and writes through `db` only, awaits every statement before it
 * returns, keeps its statements one after another, does no network or disk work of its own, and changes nothing in
 * memory: its effects exist when `run` resolves, not before.
 */
export type WriteUnit<T> = (db: EntityManager) => Promise<T>;

/** The transaction of a unit did not begin: nothing of the unit was run, and it may be run again. */
export class UnitNotRun extends Error {
  override readonly name = 'UnitNotRun';

  constructor(cause: unknown) {
    super('the transaction did not begin', { cause });
  }
}

/** Units that were made durable together, how long the first of them waited for that to begin, and how long it took. */
export interface CommittedGroup {
  readonly units: number;
  readonly waitedMs: number;
  readonly tookMs: number;
}

interface Waiting {
  readonly sinceMs: number;
  /** Run the unit; the returned function tells the caller the result once that is durable. */
  readonly perform: (db: EntityManager) => Promise<() => void>;
  readonly reject: (error: unknown) => void;
}

export class WriteQueue {
  private readonly waiting: Waiting[] = [];
  private draining: Promise<void> | null = null;
  private closed = false;
  private commitCount = 0;
  private tellCommitted: (group: CommittedGroup) => void = () => undefined;

  constructor(private readonly connection: WriteConnection) {}

  /** Commits made since the start: with units beside it, how well the grouping works. */
  get commits(): number {
    return this.commitCount;
  }

  /** Call after each commit; it must not throw. */
  whenCommitted(told: (group: CommittedGroup) => void): void {
    this.tellCommitted = told;
  }

  /** Units that wait for their commit to begin. */
  get waitingUnits(): number {
    return this.waiting.length;
  }

  /**
   * Run a unit in the order of calls; resolves after the COMMIT that made it durable. A unit that throws is rolled
   * back alone and its own error comes back; the units that share its commit are untouched.
   *
   * throws   overloaded when WRITE_UNITS_PENDING_MAX units wait; stopping after close; UnitNotRun. After any of the
   *          three the unit never ran; after another error that is not its own, its end is unknown.
   */
  run<T>(unit: WriteUnit<T>): Promise<T> {
    if (this.closed) return Promise.reject(new ProtocolError('stopping'));
    if (this.waiting.length >= WRITE_UNITS_PENDING_MAX) return Promise.reject(new ProtocolError('overloaded'));
    return new Promise<T>((resolve, reject) => {
      this.waiting.push({
        sinceMs: performance.now(),
        perform: async (db) => {
          const result = await unit(db);
          return () => resolve(result);
        },
        reject,
      });
      this.draining ??= this.drain();
    });
  }

  /** No further units; resolves when those that wait have ended. */
  async close(): Promise<void> {
    this.closed = true;
    await this.draining;
  }

  private async drain(): Promise<void> {
    // Callers of the same turn of the event loop share the first commit.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.waiting.length > 0) {
      await this.runGroup(this.waiting.splice(0, WRITE_UNITS_PER_COMMIT_MAX));
    }
    this.draining = null;
  }

  private async runGroup(group: readonly Waiting[]): Promise<void> {
    const performed: { unit: Waiting; tell: () => void }[] = [];
    let current = 0;
    const begunMs = performance.now();
    if (!(await this.begin(group))) return;
    try {
      for (; current < group.length; current++) {
        const unit = group[current]!;
        const tell = await this.performAlone(unit);
        if (tell !== null) performed.push({ unit, tell });
      }
      await this.connection.commit();
      this.commitCount++;
    } catch (error) {
      const cause = await this.giveUp(error);
      for (const { unit } of performed) unit.reject(cause);
      for (const unit of group.slice(current)) unit.reject(cause);
      return;
    }
    const waitedMs = begunMs - group[0]!.sinceMs;
    this.tellCommitted({ units: group.length, waitedMs, tookMs: performance.now() - begunMs });
    for (const { tell } of performed) tell();
  }

  /** Tells every unit of the group when it fails. What an earlier group may have left open is undone. */
  private async begin(group: readonly Waiting[]): Promise<boolean> {
    try {
      await this.connection.begin();
      return true;
    } catch (error) {
      const cause = new UnitNotRun(await this.giveUp(error));
      for (const unit of group) unit.reject(cause);
      return false;
    }
  }

  /** Run one unit inside its savepoint. Its own failure is told to its caller only; null then. */
  private async performAlone(unit: Waiting): Promise<(() => void) | null> {
    await this.connection.markUnit();
    let tell: () => void;
    try {
      tell = await unit.perform(this.connection.db);
    } catch (error) {
      await this.connection.undoUnit();
      unit.reject(error);
      return null;
    }
    await this.connection.keepUnit();
    return tell;
  }

  /** Leave the transaction. Some errors (a full disk) have ended it already, and then the rollback fails as well. */
  private async giveUp(error: unknown): Promise<unknown> {
    try {
      await this.connection.rollBack();
      return error;
    } catch (rollBackError) {
      return new AggregateError([error, rollBackError], 'the writes of this group failed and are undone');
    }
  }
}
