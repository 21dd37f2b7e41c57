/**
 * Clears away what a process before left among the shards: its temp files, and files that no row of the index knows.
 *
 * Temp files go at once. A file without a row may be the only copy of a shard whose row was lost with agent.db, or is
 * missing in a backup of it: it goes into the trash, and from there TRASH_LIFE_MS later, by the broker's time.
 */
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Log } from '#process';
import type { UnixMs } from '#protocol';
import { SWEEP_PAUSE_MS, SWEEP_REST_MS, SWEEP_WAIT_MS, TRASH_LIFE_MS } from '../limits.js';
import { AgentState } from '../state/agent-state.js';
import { HostTime } from '../state/host-time.js';
import { ShardFiles } from './shard-files.js';
import { ShardIndex } from './shard-index.js';
import { readName, readTrashedName, SHARD_FOLDERS, trashedName, trashFolder } from './shard-path.js';
import { UnsettledShards } from './unsettled-shards.js';

/** Where the shards lie, and who this process is. */
export abstract class ShardPlace {
  /** HOME/shards */
  abstract readonly directory: string;
  /** 16 random hex digits */
  abstract readonly runId: string;
}

/** What one round over the folders did. */
class Round {
  removed = 0;
  trashed = 0;
  deleted = 0;
  readonly failures: { readonly folder: string; readonly error: unknown }[] = [];
}

@Injectable()
export class SweepLeftovers {
  private next = 0;
  private round = new Round();
  private rounds = 0;

  constructor(
    private readonly place: ShardPlace,
    private readonly files: ShardFiles,
    private readonly index: ShardIndex,
    private readonly unsettled: UnsettledShards,
    private readonly state: AgentState,
    private readonly time: HostTime,
    private readonly log: Log,
  ) {}

  /** A round has ended, and no other has begun. */
  get isResting(): boolean {
    return this.rounds > 0 && this.next === 0;
  }

  /** How long to wait before the next folder. */
  get pauseMs(): number {
    if (this.isResting) return SWEEP_REST_MS;
    return this.time.brokerNowMs() === null ? SWEEP_WAIT_MS : SWEEP_PAUSE_MS;
  }

  /** Sweep one of the 256 folders and its trash; the caller paces. Nothing until the broker has told the time. */
  async sweepFolder(): Promise<void> {
    const nowMs = this.time.brokerNowMs();
    if (nowMs === null) return;
    const folder = SHARD_FOLDERS[this.next]!;
    this.next = (this.next + 1) % SHARD_FOLDERS.length;
    try {
      await this.sweepShards(folder, nowMs);
      await this.emptyTrash(folder, nowMs);
    } catch (error) {
      // What cannot be read or changed keeps nobody from the other folders; the next round comes by again.
      this.round.failures.push({ folder, error });
    }
    if (this.next === 0) this.endRound();
  }

  private async sweepShards(name: string, nowMs: UnixMs): Promise<void> {
    const folder = join(this.place.directory, name);
    const trash = trashFolder(this.place.directory, name);
    await this.files.makeFolder(trash);
    const trashedBefore = this.round.trashed;
    for (const found of await this.files.list(folder)) await this.sweepFile({ folder, trash }, found, nowMs);
    if (this.round.trashed > trashedBefore) await this.files.syncFolder(trash);
  }

  private async sweepFile(at: { folder: string; trash: string }, fileName: string, nowMs: UnixMs): Promise<void> {
    const path = join(at.folder, fileName);
    const found = readName(fileName);
    if (found.kind === 'foreign') {
      this.log.warn({ event: 'foreign_file', path });
    } else if (found.kind === 'temporary') {
      if (found.runId === this.place.runId) return;
      await this.files.remove(path);
      this.round.removed++;
    } else if (!this.state.isNew && !(await this.index.has(found.cid))) {
      // The row is asked for again where no transfer can be between its file and its row.
      await this.unsettled.sweepUnlessHeld(found.cid, async () => {
        if (await this.index.has(found.cid)) return;
        // A delete that a crash ended before its file was moved: it lies in the trash since then.
        const trashedMs = (await this.index.deletedAtMs(found.cid)) ?? nowMs;
        await this.files.rename(path, join(at.trash, trashedName(fileName, trashedMs)));
        this.round.trashed++;
      });
    }
  }

  private async emptyTrash(name: string, nowMs: UnixMs): Promise<void> {
    const trash = trashFolder(this.place.directory, name);
    for (const fileName of await this.files.list(trash)) {
      const trashedAtMs = readTrashedName(fileName);
      if (trashedAtMs === null || nowMs - trashedAtMs < TRASH_LIFE_MS) continue;
      await this.files.remove(join(trash, fileName));
      this.round.deleted++;
    }
  }

  private endRound(): void {
    const { removed, trashed, deleted, failures } = this.round;
    const [first] = failures;
    if (first !== undefined) {
      this.log.warn({ event: 'sweep_incomplete', count: failures.length, folder: first.folder, err: first.error });
    }
    if (removed + trashed + deleted > 0) this.log.info({ event: 'leftovers_swept', removed, trashed, deleted });
    this.round = new Round();
    this.rounds++;
  }
}
