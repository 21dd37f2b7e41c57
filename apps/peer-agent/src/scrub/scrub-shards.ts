// Reads everything that this host holds, a slice at a time and round after round, so that a disk that rots is found out
// before an audit, or a person who wants a file back, finds it (B18).
import { Injectable } from '@nestjs/common';
import { Clock, Log } from '#process';
import type { ContentId, TokenItem } from '#protocol';
import { AgentConfig } from '../config.js';
import {
  SCRUB_BYTES_PER_SECOND,
  SCRUB_FIRST_MS,
  SCRUB_LOOK_MS,
  SCRUB_ROUND_MS_MIN,
  SCRUB_SAVE_MS,
  SCRUB_SHARDS_AT_ONCE,
  SCRUB_SLICE_BYTES,
} from '../limits.js';
import { ShardIndex } from '../shards/shard-index.js';
import { AgentDatabase } from '../state/agent-database.js';
import { CorruptShards } from './corrupt-shards.js';
import { pauseAfterMs, restMs, type ScrubPace } from './scrub-pace.js';
import { readScrubState, type ScrubState, writeScrubState } from './scrub-state.js';
import { VerifyShard } from './verify-shard.js';

@Injectable()
export class ScrubShards {
  private readonly pace: ScrubPace;
  private state: ScrubState | null = null;
  private savedAtMs = Number.NEGATIVE_INFINITY;
  /** Of the shard after `state.afterCid`: so much of it was read. */
  private offset = 0;
  private waiting: TokenItem[] = [];
  private nextPauseMs = SCRUB_FIRST_MS;

  constructor(
    { scrubBytesPerSecond = SCRUB_BYTES_PER_SECOND }: AgentConfig,
    private readonly database: AgentDatabase,
    private readonly index: ShardIndex,
    private readonly verify: VerifyShard,
    private readonly corrupt: CorruptShards,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {
    this.pace = { bytesPerSecond: scrubBytesPerSecond, roundMsMin: SCRUB_ROUND_MS_MIN };
  }

  /** How long to wait before the next slice. */
  get pauseMs(): number {
    return this.nextPauseMs;
  }

  /** Read a slice, if it is time for one, and tell the broker of what is spoiled. */
  async run(signal: AbortSignal): Promise<void> {
    this.nextPauseMs = SCRUB_LOOK_MS;
    if (this.pace.bytesPerSecond > 0) await this.slice();
    await this.corrupt.report(signal);
  }

  /** The position as it is: call before the database is closed. */
  async save(): Promise<void> {
    const { state } = this;
    if (state === null) return;
    await this.database.writes.run((db) => writeScrubState(db, state));
    this.savedAtMs = this.clock.monotonicMs();
  }

  private async slice(): Promise<void> {
    this.state ??= await readScrubState(this.database.reads);
    const nowMs = this.clock.nowMs();
    if (this.state.afterCid === null && this.waiting.length === 0) {
      const waitMs = restMs({ beganAtMs: this.state.roundBeganMs, nowMs }, this.pace);
      if (waitMs > 0) return;
      this.state = { ...this.state, roundBytes: 0, roundShards: 0, roundBeganMs: nowMs };
    }
    let left = SCRUB_SLICE_BYTES;
    while (left > 0) {
      if (this.waiting.length === 0) this.waiting = await this.index.after(this.state.afterCid, SCRUB_SHARDS_AT_ONCE);
      const item = this.waiting[0];
      if (item === undefined) {
        await this.endRound();
        return;
      }
      left -= await this.readPart(item, left);
    }
    this.nextPauseMs = pauseAfterMs(SCRUB_SLICE_BYTES - left, this.pace);
    if (this.clock.monotonicMs() - this.savedAtMs >= SCRUB_SAVE_MS) await this.save();
  }

  /** Read a part of at most so many bytes of a shard; returns how many, at least one for a shard that is no more. */
  private async readPart(item: TokenItem, bytesMax: number): Promise<number> {
    const part = { start: this.offset, end: Math.min(item.sizeBytes, this.offset + bytesMax) };
    const isSound = await this.verify.run(item, part);
    // A shard that is deleted, or put, at this moment is no finding.
    const isSpoiled = !isSound && (await this.index.has(item.cid)) && !(await this.verify.run(item));
    if (isSpoiled && (await this.index.has(item.cid))) await this.corrupt.note(item.cid);
    const isEnded = !isSound || part.end === item.sizeBytes;
    this.offset = isEnded ? 0 : part.end;
    if (isEnded) this.passed(item.cid, item.sizeBytes);
    return Math.max(1, part.end - part.start);
  }

  private passed(cid: ContentId, sizeBytes: number): void {
    const { state } = this;
    if (state === null) return;
    this.waiting.shift();
    const { roundBytes, roundShards } = state;
    this.state = { ...state, afterCid: cid, roundBytes: roundBytes + sizeBytes, roundShards: roundShards + 1 };
  }

  private async endRound(): Promise<void> {
    const { state } = this;
    if (state === null) return;
    this.state = { ...state, afterCid: null, rounds: state.rounds + 1, roundEndedMs: this.clock.nowMs() };
    await this.save();
    this.log.info({ event: 'scrub_round', shards: state.roundShards, bytes: state.roundBytes });
  }
}
