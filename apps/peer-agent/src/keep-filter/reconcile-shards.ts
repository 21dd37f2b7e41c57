/**
 * Once a day the host asks what it should hold, and puts the rest into its trash (SPEC §8.4). Nobody sends it commands
 * to delete: what the broker forgot to say would be gone.
 *
 *   1. tell the broker all that waits to be told, so that it knows of every put that has ended     SendReports
 *   2. hear what it knows; anything less than all of it ends the run                               AskKeepList
 *   3. count what is not in that, and was here long before                                         unwanted
 *   4. put it away, if it is not too much at once; else wait for a person                          putAway
 *   5. take back from the trash what the broker knows again                                        takeBack
 */
import { Injectable } from '@nestjs/common';
import { Clock, Log } from '#process';
import { type ContentId, isRefusal, ProtocolError } from '#protocol';
import {
  KEEP_FIRST_MS,
  KEEP_INTERVAL_MS,
  KEEP_LOOK_MS,
  KEEP_RESTORED_MS,
  KEEP_RETRY_MS,
  KEEP_SHARDS_AT_ONCE,
} from '../limits.js';
import { SendReports } from '../reports/send-reports.js';
import { ShardIndex } from '../shards/shard-index.js';
import { ShardTrash } from '../shards/shard-trash.js';
import { SpaceLedger } from '../shards/space-ledger.js';
import { AgentDatabase } from '../state/agent-database.js';
import { AgentState } from '../state/agent-state.js';
import { HostTime } from '../state/host-time.js';
import { AskKeepList, type KeepList } from './ask-keep-list.js';
import { isTooMuch, listFault, mayGo } from './decide-trashing.js';
import { type KeepState, readKeepState, writeKeepState } from './keep-state.js';

interface Sum {
  shards: number;
  bytes: number;
}

@Injectable()
export class ReconcileShards {
  private readonly startedMs: number;
  private notBeforeMs: number;
  private intervalMs = jittered(KEEP_INTERVAL_MS);

  constructor(
    private readonly database: AgentDatabase,
    private readonly index: ShardIndex,
    private readonly trash: ShardTrash,
    private readonly space: SpaceLedger,
    private readonly sendReports: SendReports,
    private readonly ask: AskKeepList,
    private readonly agent: AgentState,
    private readonly time: HostTime,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {
    this.startedMs = clock.monotonicMs();
    this.notBeforeMs = this.startedMs;
  }

  /** How long to wait before the next look whether it is time. */
  get pauseMs(): number {
    return KEEP_LOOK_MS;
  }

  /** Once, when it is time. What the broker refuses with, or does not tell in full, leaves everything as it was. */
  async run(signal: AbortSignal): Promise<void> {
    const state = await readKeepState(this.database.reads);
    if (!this.isDue(state)) return;
    try {
      await this.reconcile(state, signal);
      this.intervalMs = jittered(KEEP_INTERVAL_MS);
    } catch (error) {
      this.notBeforeMs = this.clock.monotonicMs() + jittered(KEEP_RETRY_MS);
      if (!isRefusal(error) || signal.aborted) throw error;
      await this.write({ code: error.code });
      this.log.warn({ event: 'keep_filter_aborted', code: error.code, err: error });
    }
  }

  private isDue({ askedMs, acceptedShards }: KeepState): boolean {
    const { standing } = this.agent;
    const ranMs = this.clock.monotonicMs();
    // Before the broker has told the time, and taken this home for the newest of its peer, nothing is believed.
    if (ranMs < this.notBeforeMs || this.time.brokerNowMs() === null || !standing.isConfirmed) return false;
    if (acceptedShards > 0) return true;
    // A clock that was set back must not keep the host from asking.
    const sinceMs = this.time.nowMs() - askedMs;
    return ranMs - this.startedMs >= KEEP_FIRST_MS && (sinceMs >= this.intervalMs || sinceMs < 0);
  }

  private async reconcile(state: KeepState, signal: AbortSignal): Promise<void> {
    const askedMs = this.time.nowMs();
    // A restored home may know shards under names and times of the past: its owner looks first.
    if (askedMs < this.agent.tokensSinceMs + KEEP_RESTORED_MS) throw new ProtocolError('home_restored');
    await this.sendReports.run({ signal });
    const list = await this.ask.run(signal);
    const fault = listFault(list, state);
    if (fault !== null) throw new ProtocolError(fault);
    await this.write({ listedMs: list.atMs, revision: list.revision });
    // The broker's clock may be ahead of what it told before: what came meanwhile is younger than either says.
    const listMs = Math.min(list.atMs, askedMs);

    const found = await this.unwanted(list, listMs, signal);
    const held = this.space.shardCount;
    const isHeldBack = isTooMuch(found.shards, held, state.acceptedShards);
    const gone = isHeldBack ? { shards: 0, bytes: 0 } : await this.unwanted(list, listMs, signal, true);
    const back = await this.takeBack(list, signal);
    await this.write({
      askedMs,
      code: isHeldBack ? 'keep_filter_held_back' : null,
      lastShards: gone.shards,
      lastBytes: gone.bytes,
      allShards: state.allShards + gone.shards,
      allBytes: state.allBytes + gone.bytes,
      backShards: state.backShards + back,
      heldShards: isHeldBack ? found.shards : 0,
      heldBytes: isHeldBack ? found.bytes : 0,
      acceptedShards: 0,
    });
    if (isHeldBack) this.log.error({ event: 'keep_filter_held_back', ...found, held });
    else this.log.info({ event: 'keep_filter_applied', held, trashed: gone.shards, bytes: gone.bytes, back });
  }

  /** Go over all shards that are not in the list and may go; count them, or put them away. */
  private async unwanted(list: KeepList, listMs: number, signal: AbortSignal, putAway = false): Promise<Sum> {
    const sum = { shards: 0, bytes: 0 };
    let after: ContentId | null = null;
    let page: { readonly cid: ContentId; readonly sizeBytes: number }[];
    do {
      if (signal.aborted) throw new ProtocolError('interrupted');
      page = await this.index.after(after, KEEP_SHARDS_AT_ONCE);
      for (const { cid, sizeBytes } of page) {
        if (list.has(cid) || !(await this.mayGo(cid, listMs))) continue;
        // Asked once more where nobody can put it: then what was permitted since is seen.
        if (putAway && !(await this.trash.putAway(cid, () => this.mayGo(cid, listMs)))) continue;
        sum.shards++;
        sum.bytes += sizeBytes;
      }
      after = page.at(-1)?.cid ?? null;
    } while (page.length === KEEP_SHARDS_AT_ONCE);
    return sum;
  }

  private async mayGo(cid: ContentId, listMs: number): Promise<boolean> {
    const nowMs = this.time.brokerNowMs();
    if (nowMs === null) return false;
    const retainedUntilMs = await this.index.retainedUntilMs(cid);
    return mayGo({ ...(await this.index.newestPut(cid)), retainedUntilMs }, listMs, nowMs);
  }

  private async takeBack(list: KeepList, signal: AbortSignal): Promise<number> {
    let count = 0;
    for (const trashed of await this.index.putAway()) {
      if (signal.aborted) throw new ProtocolError('interrupted');
      if (list.has(trashed.cid) && (await this.trash.takeBack(trashed))) count++;
    }
    return count;
  }

  private write(change: Partial<KeepState>): Promise<void> {
    return this.database.writes.run((db) => writeKeepState(db, change));
  }
}

/** A quarter more or less: hosts that were started together do not ask together. */
function jittered(ms: number): number {
  return ms * (0.75 + Math.random() / 2);
}
