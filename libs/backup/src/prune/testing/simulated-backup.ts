// A backup with the steps of the real one, over a simulated store: small files, each a chunk, in one folder.
import { encodeBase64url, formatTime, isRefusal, type ObjectId, type PeerId } from '#protocol';
import type { ChunkIndex } from '../../chunk-index.js';
import { encodeSnapshot } from '../../trees/snapshot-codec.js';
import { TreeEncoder } from '../../trees/tree-codec.js';
import type { StoredChunks } from '../account-store.js';
import { NoticeReader } from '../notices.js';
import { PruneWatch } from '../prune-watch.js';
import { publishIndex } from '../repack.js';
import { StoredChunkMap } from '../stored-chunks.js';
import { chunkIdOf, type SimulatedMachine } from './simulated-broker.js';

export type Files = ReadonlyMap<string, string>;

/** What a machine has on its disk, and a crash leaves there. */
export interface MachineDisk {
  readonly machineId: PeerId;
  /** Stored by this machine, and in no index yet as far as it knows. */
  unpublished: StoredChunks[];
}

export interface BackupRules {
  /** Never look after the snapshot; what is stored counts as complete. */
  readonly noLastLook?: boolean;
  readonly signal: AbortSignal;
}

const RUNS_MAX = 3;
const CHUNKS_PER_OBJECT = 3;

/** Returns the snapshot that is complete; null when the run could not confirm it. */
export async function simulateBackup(
  machine: SimulatedMachine,
  disk: MachineDisk,
  files: Files,
  rules: BackupRules,
): Promise<ObjectId | null> {
  for (let runs = 1; ; runs++) {
    try {
      return await new Run(machine, disk, rules).backup(files);
    } catch (error) {
      if (!isRefusal(error, 'marked_meanwhile') || runs >= RUNS_MAX) throw error;
    }
  }
}

class Run {
  private readonly watch: PruneWatch;
  private readonly pending = new Map<string, Buffer>();
  private index!: ChunkIndex;
  private marked!: ReadonlySet<ObjectId>;

  constructor(
    private readonly machine: SimulatedMachine,
    private readonly disk: MachineDisk,
    private readonly rules: BackupRules,
  ) {
    const clock = { schedule: () => () => undefined };
    this.watch = new PruneWatch({ store: machine, machineId: disk.machineId, clock, onEvent: () => undefined });
  }

  async backup(files: Files): Promise<ObjectId | null> {
    const { machine, disk, rules } = this;
    const { signal } = rules;
    await machine.settle();
    await this.learn(signal);
    this.marked = await this.watch.begin(signal);

    const encoder = new TreeEncoder();
    const parts = [encoder.start()];
    for (const [name, text] of [...files].sort()) {
      const content = text === '' ? [] : [await this.add('data', Buffer.from(text))];
      const metadata = { mode: 0o644, mtimeNs: 0n, uid: 0, gid: 0 };
      parts.push(
        encoder.encode({ type: 'file', name: Buffer.from(name), ...metadata, sizeBytes: text.length, content }),
      );
      if (machine.broker.random.chance(0.4)) await this.watch.look(signal);
    }
    await this.send('data');
    const root = [await this.add('tree', Buffer.concat(parts))];
    await this.send('tree');
    if (disk.unpublished.length > 0) {
      const publishing = disk.unpublished;
      await publishIndex(machine, publishing, signal);
      disk.unpublished = disk.unpublished.filter((one) => !publishing.includes(one));
    }
    await this.watch.beforeSnapshot(signal);
    const { objectId } = await machine.store('snapshot', [documentOf(root, files, machine)]);
    if (rules.noLastLook === true) {
      await machine.settle();
      return objectId;
    }
    return (await this.watch.afterSnapshot(objectId, signal)) ? objectId : null;
  }

  private async learn(signal: AbortSignal): Promise<void> {
    const { machine, disk } = this;
    const { ripeMs } = await new NoticeReader(machine).read(signal);
    const listed = await machine.list(null);
    const listedIds = new Set(listed.map(({ objectId }) => objectId));
    const indexes = listed.filter(({ kind }) => kind === 'index').map(({ objectId }) => objectId);
    const map = await StoredChunkMap.read(machine, { indexes, listed: listedIds, condemned: ripeMs.keys() }, signal);
    disk.unpublished = disk.unpublished.filter(({ objectId }) => listedIds.has(objectId) && !map.has(objectId));
    for (const { objectId, entries } of disk.unpublished) map.index.addObject(objectId, entries);
    this.index = map.index;
  }

  private async add(kind: 'data' | 'tree', plaintext: Buffer): Promise<string> {
    const chunkId = chunkIdOf(plaintext);
    const id = encodeBase64url(chunkId);
    if (this.pending.has(id)) return id;
    const holder = this.index.has(chunkId) ? this.index.get(chunkId)?.objectId : undefined;
    if (holder !== undefined && !this.marked.has(holder)) {
      this.watch.relyOn(holder);
      return id;
    }
    this.pending.set(id, plaintext);
    if (this.pending.size >= CHUNKS_PER_OBJECT) await this.send(kind);
    return id;
  }

  private async send(kind: 'data' | 'tree'): Promise<void> {
    if (this.pending.size === 0) return;
    const stored = await this.machine.store(kind, [...this.pending.values()]);
    this.pending.clear();
    this.disk.unpublished.push(stored);
    this.index.addObject(stored.objectId, stored.entries);
    this.watch.relyOn(stored.objectId);
  }
}

function documentOf(root: string[], files: Files, machine: SimulatedMachine): Uint8Array {
  return encodeSnapshot({
    // No two are the same chunk.
    time: formatTime(machine.broker.nowMs + machine.broker.steps),
    hostname: 'simulated',
    paths: ['/'],
    excludes: [],
    tags: [],
    root,
    files: files.size,
    directories: 0,
    symlinks: 0,
    specials: 0,
    skipped: 0,
    sourceBytes: 0,
    addedBytes: 0,
  });
}
