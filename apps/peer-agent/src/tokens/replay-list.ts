// The replay list (SPEC §4.5): a token works once. In memory for speed, in agent.db before any answer that relies on it.
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import type { Database } from '#database';
import {
  isOfSeveralUses,
  ProtocolError,
  REPLAY_LIST_ENTRIES_MAX,
  REPLAY_LIST_OFFLINE_SHARE,
  type TokenItem,
  type UnixMs,
  type VerifiedToken,
} from '#protocol';
import { type AgentState, raiseReplayHorizon } from '../state/agent-state.js';
import type { HostTime } from '../state/host-time.js';
import {
  batchBytesMax,
  decideClaim,
  horizonAt,
  livesLongFrom,
  released,
  type TokenEntry,
  tokenEntry,
} from './replay-rules.js';
import { decideUse, type TokenBudget, useEnded, useUndone } from './token-budget.js';
import { type TokenKey, TokenMemory } from './token-memory.js';
import {
  deleteForgotten,
  loadUsedTokens,
  type Remembered,
  readReceipt,
  writeBatchBegun,
  writeEntry,
  writeMoved,
  writeUseBegun,
  writeUseEnded,
} from './used-token-rows.js';

declare const claimed: unique symbol;

/**
 * A token that nobody else can use while it is held. Ends by `burn`, `release` or `giveBack`. One of several uses is held
 * by each of them for its own part, and ends by `endUse` or `giveBackUse`. Made in this file only.
 */
export type ClaimedToken = VerifiedToken & { readonly [claimed]: true };

declare const claimedItem: unique symbol;

/** One shard that a claimed token is for: what a store writes and serves. Made in this file only. */
export interface ClaimedItem {
  readonly token: ClaimedToken;
  readonly item: TokenItem;
  /** Under a token of several uses: which use this is, from 1, and what it holds of the token's bytes. */
  readonly use?: { readonly number: number; readonly heldBytes: number };
  readonly [claimedItem]: true;
}

/** A claim of one use among several. */
export type ClaimedUse = ClaimedItem & { readonly use: NonNullable<ClaimedItem['use']> };

/** The items of a claimed token, in its order; more than one in a batch. */
export function itemsOf(token: ClaimedToken): readonly ClaimedItem[] {
  return token.items.map((item) => ({ token, item }) as ClaimedItem);
}

/** The item of a claimed token that is for one shard. */
export function onlyItemOf(token: ClaimedToken): ClaimedItem {
  const [only, ...others] = itemsOf(token);
  assert(only !== undefined);
  assert(others.length === 0);
  return only;
}

export class ReplayList {
  private readonly remembered = new TokenMemory<Remembered>();
  private durable = true;

  private constructor(
    private readonly database: Database,
    private readonly time: HostTime,
    private horizonMs: UnixMs,
    private readonly state: Pick<AgentState, 'cleanStop' | 'tokensSinceMs' | 'standing'>,
    private readonly entriesMax: number,
  ) {}

  /** Read what the process before remembered: only tokens that have not been forgotten, by the index on expiry. */
  static async load(
    database: Database,
    time: HostTime,
    state: AgentState,
    entriesMax = REPLAY_LIST_ENTRIES_MAX,
  ): Promise<ReplayList> {
    const list = new ReplayList(database, time, state.replayHorizonMs, state, entriesMax);
    const longLivedMs = livesLongFrom(state.replayHorizonMs);
    await loadUsedTokens(database.reads, state.replayHorizonMs, (token, entry) =>
      // Nothing but the time is left of a token of a kit. Near its end it counts as others, and is forgotten as soon.
      list.remembered.set(token, entry, token.expiresAtMs > longLivedMs),
    );
    return list;
  }

  get size(): number {
    return this.remembered.size;
  }

  /** False when a row could not be written: the next process must treat this one's stop as unclean. */
  get isDurable(): boolean {
    return this.durable;
  }

  isBurned(token: VerifiedToken): boolean {
    const entry = this.remembered.get(token);
    return entry !== undefined && 'phase' in entry && entry.phase === 'burned';
  }

  /** The receipt with which a burned token ended; null when it ended in a failure. */
  receiptOf(token: VerifiedToken): Promise<string | null> {
    return readReceipt(this.database.reads, token);
  }

  /**
   * Take the token for one transfer. At once, in memory: of two presentations in any order one wins.
   *
   * throws   what decideClaim names, with the transaction id
   */
  claim(token: VerifiedToken): ClaimedToken {
    const entry = this.entryOf(token);
    const decision = decideClaim({
      entry,
      ...this.situationOf(token),
      issuedAtMsMin: this.issuedAtMsMin(!this.state.cleanStop && entry?.begun !== true),
    });
    if (!decision.ok) throw new ProtocolError(decision.code, { transactionId: token.transactionId });
    this.remembered.set(token, decision.next);
    return token as ClaimedToken;
  }

  /** The claim on one shard that this kind of token gives: on the whole token, or on one use of it. Throws what they throw. */
  claimItem(token: VerifiedToken, item: TokenItem, bytes: number): ClaimedItem {
    return isOfSeveralUses(token) ? this.claimUse(token, item, bytes) : onlyItemOf(this.claim(token));
  }

  /**
   * Take one use of a token of several, with room for `bytes` in its budget. At once, in memory: parallel uses never
   * pass the budget. No byte moves before `writeUse` is durable, so that no crash gives any of it back.
   *
   * throws   what decideUse names, with the transaction id
   */
  claimUse(token: VerifiedToken, item: TokenItem, bytes: number): ClaimedUse {
    assert(isOfSeveralUses(token));
    assert(token.maxBytes !== undefined);
    const budget = this.budgetOf(token);
    // A budget that is known was durable before any byte moved: a crash loses nothing of it. An offline token is for the
    // days when hosts have been started anew and no broker gives another: one that nothing is known of was not used.
    const isInDoubt = budget === undefined && token.op !== 'offline';
    const issuedAtMsMin = this.issuedAtMsMin(!this.state.cleanStop && isInDoubt);
    const { maxBytes, maxUses } = token;
    const situation = { ...this.situationOf(token), issuedAtMsMin, isKnown: budget !== undefined };
    const decision = decideUse({ ...situation, budget, maxBytes, maxUses, bytes });
    if (!decision.ok) throw new ProtocolError(decision.code, { transactionId: token.transactionId });
    this.remembered.set(token, decision.next, token.op === 'offline');
    return { token, item, use: { number: decision.next.uses, heldBytes: bytes } } as ClaimedUse;
  }

  /** Part of the caller's unit, before any byte moves. */
  async writeUse(db: EntityManager, { token, use }: ClaimedUse): Promise<void> {
    await writeUseBegun(db, token, use);
  }

  /** The unit of `writeUse` was not run: nothing has happened, here as in agent.db. */
  giveBackUse({ token, use }: ClaimedUse): void {
    this.changeBudget(token, (budget) => useUndone(budget, use));
  }

  /** Nobody knows whether the unit of a use was committed: what it holds stays spent. */
  markUseInDoubt(): void {
    this.durable = false;
  }

  /**
   * The use has ended, having moved so many bytes; the rest of what it held can be used again, at once.
   *
   * returns  the bytes that the token has moved in all its uses that have ended
   */
  endUse({ token, use: { heldBytes } }: ClaimedUse, movedBytes: number): number {
    const budget = this.changeBudget(token, (before) => useEnded(before, { heldBytes, movedBytes }));
    return budget?.movedBytes ?? movedBytes;
  }

  /** Part of a unit after `endUse`. Should it never be run, a later process counts all that was held as moved. */
  async writeUseEnd(db: EntityManager, { token, use }: ClaimedUse, movedBytes: number): Promise<void> {
    await writeUseEnded(db, token, { heldBytes: use.heldBytes, movedBytes });
  }

  /** Part of the caller's unit: after its commit the token has ended, with this receipt or with none. */
  async burn(db: EntityManager, token: ClaimedToken, receipt: string | null): Promise<void> {
    await writeEntry(db, token, this.burnedEntry(token), receipt);
  }

  /** After the commit of `burn`; also when it failed, because a token whose end is in doubt must not start again. */
  markBurned(token: ClaimedToken, committed: boolean): void {
    if (!committed) this.durable = false;
    this.remembered.set(token, this.burnedEntry(token));
  }

  /**
   * Part of the caller's unit: give the token back, because the network cut the transfer off.
   *
   * batch    what this presentation of a batch did
   * returns  what the token is after the commit; `isSpent` says whether it may be tried again
   */
  async release(
    db: EntityManager,
    token: ClaimedToken,
    batch?: { readonly hasProgressed: boolean; readonly movedBytes: number },
  ): Promise<TokenEntry> {
    const before = this.claimedEntry(token);
    if (batch === undefined) {
      const next = released(before);
      await writeEntry(db, token, next, null);
      return next;
    }
    const movedBytes = await writeMoved(db, token, batch.movedBytes);
    const isOverBudget = movedBytes >= batchBytesMax(token.items);
    const next = released(before, { hasProgressed: batch.hasProgressed, isOverBudget });
    await writeEntry(db, token, next, null);
    return next;
  }

  /** After the commit of `release`, with what it returned. */
  markReleased(token: ClaimedToken, entry = released(this.claimedEntry(token))): void {
    this.remembered.set(token, entry);
  }

  /** Part of the unit that makes the first items of a batch so: from its commit on a crash loses nothing of the token. */
  async writeBegun(db: EntityManager, token: ClaimedToken): Promise<void> {
    await writeBatchBegun(db, token, this.claimedEntry(token).releases);
  }

  /** After the commit of `writeBegun`. */
  markBegun(token: ClaimedToken): void {
    this.remembered.set(token, tokenEntry('claimed', this.claimedEntry(token).releases, true));
  }

  isBegun(token: ClaimedToken): boolean {
    return this.claimedEntry(token).begun;
  }

  /** No unit about the token was run: it is again what it was before its claim, here as in agent.db. */
  giveBack(token: ClaimedToken): void {
    const { releases, begun } = this.claimedEntry(token);
    this.remembered.set(token, tokenEntry('released', releases, begun));
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
      this.remembered.forget(horizonMs);
    }
    await deleteForgotten(this.database, this.horizonMs);
  }

  private burnedEntry(token: ClaimedToken): TokenEntry {
    const { releases, begun } = this.claimedEntry(token);
    return tokenEntry('burned', releases, begun);
  }

  /** A transfer may outlive its token by so much that the entry is gone: then it counts as claimed for the first time. */
  private claimedEntry(token: ClaimedToken): TokenEntry {
    const entry = this.entryOf(token);
    if (entry === undefined) return tokenEntry('claimed', 0);
    assert.equal(entry.phase, 'claimed');
    return entry;
  }

  /** Of a token that is used once. Another kind has its own budget, and is no token of this kind. */
  private entryOf(token: TokenKey): TokenEntry | undefined {
    const entry = this.remembered.get(token);
    return entry === undefined || 'phase' in entry ? entry : tokenEntry('burned', 0);
  }

  private budgetOf(token: TokenKey): TokenBudget | undefined {
    const entry = this.remembered.get(token);
    assert(entry === undefined || !('phase' in entry), 'one transaction id, two kinds of token');
    return entry;
  }

  /** A use may outlive its token by so much that the entry is gone: then nothing is left to count. */
  private changeBudget(token: TokenKey, change: (budget: TokenBudget) => TokenBudget): TokenBudget | undefined {
    const budget = this.budgetOf(token);
    if (budget === undefined) return undefined;
    const next = change(budget);
    this.remembered.set(token, next);
    return next;
  }

  private situationOf({ op, issuedAtMs, expiresAtMs }: VerifiedToken) {
    // Tokens of kits are remembered for months: those of every day keep their room.
    const isFullOfOffline = this.remembered.offlineSize >= this.entriesMax * REPLAY_LIST_OFFLINE_SHARE;
    const isFull = this.remembered.size >= this.entriesMax || (op === 'offline' && isFullOfOffline);
    const { standing } = this.state;
    // An offline token does not wait for the broker, whose absence it is for: all that a copy of this home can do with
    // it is to serve the same bytes to the same client once more.
    const isHeldBack = op === 'offline' ? standing.isRefused : standing.holdsBack(issuedAtMs, this.time.startedAtMs());
    return { issuedAtMs, expiresAtMs, horizonMs: this.horizonMs, isFull, isHeldBack };
  }

  private issuedAtMsMin(sinceStart: boolean): UnixMs | null {
    const { tokensSinceMs } = this.state;
    if (sinceStart) return Math.max(this.time.startedAtMs(), tokensSinceMs);
    return tokensSinceMs === 0 ? null : tokensSinceMs;
  }
}
