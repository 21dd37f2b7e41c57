// Snapshots for tests that are about their times, hosts, paths and tags only.
import { type ObjectId, uuidV7 } from '#protocol';
import type { Snapshot } from '../trees/snapshot-codec.js';
import type { StoredSnapshot } from './list-snapshots.js';

let made = 0;

/** A snapshot that differs from others by `changes` and its id. */
export function testSnapshot(changes: Partial<Snapshot> = {}): StoredSnapshot {
  const entropy = Buffer.alloc(10);
  entropy.writeUInt32BE(++made, 6);
  const snapshot: Snapshot = {
    time: '2026-11-20T08:00:00.000Z',
    hostname: 'laptop',
    paths: ['/home'],
    root: ['A'.repeat(43)],
    files: 0,
    directories: 0,
    symlinks: 0,
    specials: 0,
    skipped: 0,
    sourceBytes: 0,
    addedBytes: 0,
    tags: [],
    excludes: [],
    ...changes,
  };
  return { id: uuidV7<ObjectId>(1_790_000_000_000, entropy), snapshot };
}
