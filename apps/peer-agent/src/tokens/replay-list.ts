// The replay list (SPEC §4.5): a token works once. In memory for speed, in agent.db before any answer that relies on it.
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import { changeMany, changeOne, type Database } from '#database';
import { ProtocolError, REPLAY_LIST_ENTRIES_MAX, type UnixMs, type VerifiedToken } from '#protocol';
import { PRUNE_ROWS_AT_ONCE } from '../limits.js';
import { type AgentState, raiseReplayHorizon } from '../state/agent-state.js';
import type { HostTime } from '../state/host-time.js';
import { decideClaim, horizonAt, isSpent, released, type TokenEntry, tokenEntry } from './replay-rules.js';

declare const claimed: unique symbol;

/** A token that nobody else can use while it is held. Ends by `burn`, `release` or `giveBack`. Made in this file only. */
export type ClaimedToken = VerifiedToken & { readonly [claimed]: true };

const MINUTE_MS = 60_000;
const LOAD_ROWS_AT_ONCE = 20_000;

export class ReplayList {
  /** By the minute of expiry, so that pruning drops whole maps; within, by (`exp`, `jti`). */
  private readonly minutes = new Map<number, Map<string, TokenEntry>>();
  private entryCount = 0;
  private durable = true;

  private constructor(
    private readonly database: Database,
    private readonly time: HostTime,
    private horizonMs: UnixMs,
    private readonly afterUncleanStop: boolean,
    private readonly entriesMax: number,
  ) {}

  /** Read what the process before remembered: only tokens that have not been forgotten, by the index on expiry. */
  static async load(
    database: Database,
    time: HostTime,
    state: AgentState,
    entriesMax = REPLAY_LIST_ENTRIES_MAX,
  ): Promise<ReplayList> {
    const list = new ReplayList(database, time, state.replayHorizonMs, !state.cleanStop, entriesMax);
    await list.loadEntries();
    return list;
  }

  get size(): number {
    return this.entryCount;
  }

  /** False when a row could not be written: the next process must treat this one's stop as unclean. */
  get isDurable(): boolean {
    return this.durable;
  }

  isBurned(token: VerifiedToken): boolean {
    return this.entryOf(token)?.phase === 'burned';
  }

  /** The receipt with which a burned token ended; null when it ended in a failure. */
  async receiptOf(token: VerifiedToken): Promise<string | null> {
    const [row] = await this.database.reads.query<{ receipt: string | null }[]>(
      'SELECT receipt FROM used_token WHERE expires_ms = $1 AND transaction_id = $2',
      [token.expiresAtMs, token.transactionId],
    );
    return row?.receipt ?? null;
  }

  /**
   * Take the token for one transfer. At once, in memory: of two presentations in any order one wins.
   *
   * throws   what decideClaim names, with the transaction id
   */
  claim(token: VerifiedToken): ClaimedToken {
    const decision = decideClaim({
      entry: this.entryOf(token),
      issuedAtMs: token.issuedAtMs,
      expiresAtMs: token.expiresAtMs,
      horizonMs: this.horizonMs,
      issuedAtMsMin: this.afterUncleanStop ? this.time.startedAtMs() : null,
      isFull: this.entryCount >= this.entriesMax,
    });
    if (!decision.ok) throw new ProtocolError(decision.code, { transactionId: token.transactionId });
    this.set(token, decision.next);
    return token as ClaimedToken;
  }

  /** Part of the caller's unit: after its commit the token has ended, with this receipt or with none. */
  async burn(db: EntityManager, token: ClaimedToken, receipt: string | null): Promise<void> {
    await writeEntry(db, token, this.burnedEntry(token), receipt);
  }

  /** After the commit of `burn`; also when it failed, because a token whose end is in doubt must not start again. */
  markBurned(token: ClaimedToken, committed: boolean): void {
    if (!committed) this.durable = false;
    this.set(token, this.burnedEntry(token));
  }

  /** Part of the caller's unit: give the token back, because the network cut the transfer off. Returns whether it is spent. */
  async release(db: EntityManager, token: ClaimedToken): Promise<boolean> {
    const next = released(this.claimedEntry(token));
    await writeEntry(db, token, next, null);
    return isSpent(next);
  }

  /** After the commit of `release`. */
  markReleased(token: ClaimedToken): void {
    this.set(token, released(this.claimedEntry(token)));
  }

  /** No unit about the token was run: it is again what it was before its claim, here as in agent.db. */
  giveBack(token: ClaimedToken): void {
    this.set(token, tokenEntry('released', this.claimedEntry(token).releases));
  }

  /**
   * Forget what can never be accepted again. Only signed broker time decides, and the horizon is durable before a
   * row goes: whatever the local clock does later, a forgotten token is refused as expired.
   */
  async prune(): Promise<void> {
    const brokerNowMs = this.time.brokerNowMs();
    if (brokerNowMs === null) return;
    const horizonMs = horizonAt(brokerNowMs);
    if (horizonMs > this.horizonMs) {
      await this.database.writes.run((db) => raiseReplayHorizon(db, horizonMs));
      this.horizonMs = horizonMs;
      this.dropMinutes();
    }
    while ((await this.deleteRows()) === PRUNE_ROWS_AT_ONCE);
  }

  private deleteRows(): Promise<number> {
    return this.database.writes.run((db) =>
      changeMany(
        db,
        `DELETE FROM used_token WHERE (expires_ms, transaction_id) IN
           (SELECT expires_ms, transaction_id FROM used_token WHERE expires_ms <= $1 LIMIT ${PRUNE_ROWS_AT_ONCE})`,
        [this.horizonMs],
      ),
    );
  }

  private dropMinutes(): void {
    for (const [minute, entries] of this.minutes) {
      const lastMs = (minute + 1) * MINUTE_MS - 1;
      if (lastMs > this.horizonMs) continue;
      this.minutes.delete(minute);
      this.entryCount -= entries.size;
    }
  }

  private async loadEntries(): Promise<void> {
    let after: readonly [number, string] = [this.horizonMs, '\u{10ffff}'];
    for (;;) {
      const rows = await this.database.reads.query<EntryRow[]>(
        `SELECT expires_ms, transaction_id, releases, burned FROM used_token
           WHERE (expires_ms, transaction_id) > ($1, $2) ORDER BY expires_ms, transaction_id LIMIT ${LOAD_ROWS_AT_ONCE}`,
        [...after],
      );
      for (const row of rows) {
        const token = { expiresAtMs: Number(row.expires_ms), transactionId: row.transaction_id };
        this.set(token, tokenEntry(row.burned === 1 ? 'burned' : 'released', row.releases));
        after = [token.expiresAtMs, token.transactionId];
      }
      if (rows.length < LOAD_ROWS_AT_ONCE) return;
    }
  }

  private burnedEntry(token: ClaimedToken): TokenEntry {
    return tokenEntry('burned', this.claimedEntry(token).releases);
  }

  /** A transfer may outlive its token by so much that the entry is gone: then it counts as claimed for the first time. */
  private claimedEntry(token: ClaimedToken): TokenEntry {
    const entry = this.entryOf(token);
    if (entry === undefined) return tokenEntry('claimed', 0);
    assert.equal(entry.phase, 'claimed');
    return entry;
  }

  private entryOf(token: TokenKey): TokenEntry | undefined {
    return this.minutes.get(minuteOf(token))?.get(keyOf(token));
  }

  private set(token: TokenKey, entry: TokenEntry): void {
    const minute = minuteOf(token);
    const entries = this.minutes.get(minute) ?? new Map<string, TokenEntry>();
    if (entries.size === 0) this.minutes.set(minute, entries);
    const before = entries.size;
    entries.set(keyOf(token), entry);
    this.entryCount += entries.size - before;
  }
}

interface TokenKey {
  readonly expiresAtMs: UnixMs;
  readonly transactionId: string;
}

interface EntryRow {
  readonly expires_ms: number;
  readonly transaction_id: string;
  readonly releases: number;
  readonly burned: number;
}

function keyOf(token: TokenKey): string {
  return `${token.expiresAtMs}.${token.transactionId}`;
}

function minuteOf(token: TokenKey): number {
  return Math.floor(token.expiresAtMs / MINUTE_MS);
}

async function writeEntry(
  db: EntityManager,
  token: ClaimedToken,
  entry: TokenEntry,
  receipt: string | null,
): Promise<void> {
  const written = await changeOne(
    db,
    `INSERT INTO used_token (expires_ms, transaction_id, releases, burned, receipt) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (expires_ms, transaction_id) DO UPDATE
       SET releases = excluded.releases, burned = excluded.burned, receipt = excluded.receipt`,
    [token.expiresAtMs, token.transactionId, entry.releases, entry.phase === 'burned' ? 1 : 0, receipt],
  );
  assert(written);
}
