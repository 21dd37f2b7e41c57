// Removes what a process before left among the shards: its temp files, and files that no row of the index knows.
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Log } from '#process';
import { ShardFiles } from './shard-files.js';
import { ShardIndex } from './shard-index.js';
import { readName, SHARD_FOLDERS } from './shard-path.js';
import { UnsettledShards } from './unsettled-shards.js';

/** Where the shards lie, and who this process is. */
export abstract class ShardPlace {
  /** HOME/shards */
  abstract readonly directory: string;
  /** 16 random hex digits */
  abstract readonly runId: string;
}

@Injectable()
export class SweepLeftovers {
  private next = 0;
  private removed = 0;

  constructor(
    private readonly place: ShardPlace,
    private readonly files: ShardFiles,
    private readonly index: ShardIndex,
    private readonly unsettled: UnsettledShards,
    private readonly log: Log,
  ) {}

  get isDone(): boolean {
    return this.next >= SHARD_FOLDERS.length;
  }

  /** Sweep one of the 256 folders; the caller paces. */
  async sweepFolder(): Promise<void> {
    const name = SHARD_FOLDERS[this.next];
    if (name === undefined) return;
    const folder = join(this.place.directory, name);
    for (const found of await this.files.list(folder)) await this.sweepFile(folder, found);
    this.next++;
    if (this.isDone && this.removed > 0) this.log.info({ event: 'leftovers_removed', count: this.removed });
  }

  private async sweepFile(folder: string, fileName: string): Promise<void> {
    const found = readName(fileName);
    if (found.kind === 'foreign') {
      this.log.warn({ event: 'foreign_file', path: join(folder, fileName) });
    } else if (found.kind === 'temporary') {
      if (found.runId !== this.place.runId) await this.remove(folder, fileName);
    } else if (!(await this.index.has(found.cid))) {
      // The row is asked for again where no transfer can be between its file and its row.
      await this.unsettled.sweepUnlessHeld(found.cid, async () => {
        if (!(await this.index.has(found.cid))) await this.remove(folder, fileName);
      });
    }
  }

  private async remove(folder: string, fileName: string): Promise<void> {
    await this.files.remove(join(folder, fileName));
    this.removed++;
  }
}
