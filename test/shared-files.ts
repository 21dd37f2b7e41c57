// The real processes back up what is in /usr/share, change it, and restore it; an outside program compares.
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { DemoNetwork } from '../scripts/demo/demo-network.js';
import { rsyncDifferences } from './rsync-compare.js';
import { lastMessage, runCommand } from './run-command.js';

const SHARE = '/usr/share';
const HOSTS = 6;
/** Every so many files one changes, of a few per cent in all. */
const CHANGED_EVERY = 40;

interface Bound {
  readonly entries: number;
  readonly bytes: number;
}

export interface SharedFilesSummary {
  readonly entries: number;
  readonly bytes: number;
  readonly seconds: Readonly<Record<string, number>>;
}

/** A copy of the subfolders of /usr/share, in the order of their names, until the next one passes the bound. */
function copyOfShare(target: string, bound: Bound): Bound {
  mkdirSync(target);
  let [entries, bytes] = [0, 0];
  for (const name of existsSync(SHARE) ? readdirSync(SHARE).sort() : []) {
    const size = sizeOf(join(SHARE, name));
    if (entries + size.entries > bound.entries || bytes + size.bytes > bound.bytes) continue;
    execFileSync('cp', ['-a', join(SHARE, name), target]);
    entries += size.entries;
    bytes += size.bytes;
  }
  return { entries, bytes };
}

/** Back up, back up again unchanged and changed, and restore the first and the last; everything is asserted. */
export async function backUpShare(bound: Bound): Promise<SharedFilesSummary> {
  const network = await DemoNetwork.create();
  try {
    await network.startBroker();
    await network.startHosts(HOSTS);
    await network.initClient();
    const summary = await roundTrips(network, bound);
    process.stderr.write(`shared files: ${JSON.stringify(summary)}\n`);
    return summary;
  } finally {
    await network.close();
  }
}

async function roundTrips(network: DemoNetwork, bound: Bound): Promise<SharedFilesSummary> {
  const path = (name: string): string => join(network.folder, name);
  const [source, before] = [path('share'), path('share-before')];
  const size = copyOfShare(source, bound);
  const seconds: Record<string, number> = {};
  const run = async (what: string, ...args: string[]): Promise<Record<string, unknown>> => {
    const startMs = performance.now();
    const ended = await runCommand('peerkeep', [...args, '--home', path('client'), '--json']);
    seconds[what] = Number(((performance.now() - startMs) / 1000).toFixed(1));
    expect({ what, code: ended.code, stderr: ended.stderr }).toEqual({ what, code: 0, stderr: '' });
    return lastMessage(ended) as Record<string, unknown>;
  };

  const first = await run('first backup', 'backup', source);
  expect(first).toMatchObject({ files_skipped: 0, hosts: HOSTS, files_unmodified: 0 });
  const second = await run('unchanged backup', 'backup', source);
  expect(second).toMatchObject({ files_new: 0, files_changed: 0, files_unmodified: first.files_new, dirs_changed: 0 });
  // A snapshot alone, which is not content.
  expect(second).toMatchObject({ dirs_new: 0, dirs_unmodified: first.dirs_new, data_added: 0, data_added_packed: 0 });

  execFileSync('cp', ['-a', source, before]);
  const changed = changeSome(source);
  const third = await run('changed backup', 'backup', source);
  expect(Number(third.files_new) + Number(third.files_changed)).toBeGreaterThanOrEqual(changed);
  expect(Number(third.files_unmodified)).toBeGreaterThan(Number(first.files_new) / 2);

  await run('restore of the first', 'restore', String(first.snapshot_id), '--target', path('restored-first'));
  expect(rsyncDifferences(before, path('restored-first'))).toEqual([]);
  await run('restore of the last', 'restore', 'latest', '--target', path('restored-last'));
  expect(rsyncDifferences(source, path('restored-last'))).toEqual([]);
  return { ...size, seconds };
}

/** Append to some files, rewrite, rename and remove others; returns how many are new or changed. */
function changeSome(root: string): number {
  const files = filesBelow(root);
  let changed = 0;
  for (let i = 0; i < files.length; i += CHANGED_EVERY) {
    const file = files[i]!;
    const kind = (i / CHANGED_EVERY) % 4;
    if (kind === 0) appendFileSync(file, 'appended\n');
    else if (kind === 1) writeFileSync(file, 'rewritten\n');
    else if (kind === 2) renameSync(file, `${file}.renamed`);
    else rmSync(file);
    if (kind !== 3) changed++;
  }
  return changed;
}

/** Regular files of one name only: a change shows at one place. */
function filesBelow(root: string): string[] {
  const files: string[] = [];
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && lstatSync(path).nlink === 1) files.push(path);
  }
  return files.sort();
}

function sizeOf(folder: string): Bound {
  const lines = execFileSync('find', [folder, '-printf', '%s\\n'], { maxBuffer: 64 * 1024 * 1024 }).toString();
  const sizes = lines.trimEnd().split('\n').map(Number);
  return { entries: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}
