// Measures backup and restore of real data through real processes, ours and restic's, taking turns in one run.
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeRandomFile, makeTextFiles } from './backup/make-source.js';
import { HOSTS, runPeerkeep } from './backup/peerkeep-round.js';
import type { PutAside, Round } from './backup/phase.js';
import { resticVersions, runRestic } from './backup/restic-round.js';
import { compareFigures, type Figures, figuresOf } from './backup/summarize.js';

const RANDOM_BYTES = 1024 ** 3;
const SMALL_FILES = { files: 20_000, folders: 200, bytesMin: 1024, bytesMax: 8 * 1024 };

interface SourceSet {
  readonly name: string;
  /** Makes the data in a folder and returns its bytes. */
  readonly make: (folder: string) => number;
  /**
   * Whether copies stay until the last round. ext4 makes new files several times slower for a while after many were
   * removed, and whoever comes next would pay for it.
   */
  readonly keepsCopies: boolean;
}

const SETS: readonly SourceSet[] = [
  {
    name: 'one file of 1 GiB, random',
    make: (folder) => makeRandomFile(folder, RANDOM_BYTES),
    keepsCopies: false,
  },
  {
    name: '20,000 files of 1 to 8 KiB in 200 folders, text',
    make: (folder) => makeTextFiles(folder, SMALL_FILES),
    keepsCopies: true,
  },
];

/**
 * Back up and restore each set of data with `peerkeep` on six hosts and with `restic` into `rclone serve restic`, all on
 * loopback; BENCH_ROUNDS rounds (1 when not set). Linux only. Talks on stderr.
 *
 * returns  medians over the rounds, ratios, and every round
 * throws   when a restored byte, mode or time differs from the source
 */
export async function benchBackup(): Promise<object> {
  const rounds = readRounds(process.env.BENCH_ROUNDS);
  const versions = resticVersions();
  if (versions === null) say('restic or rclone not installed: skipped');
  const sets: object[] = [];
  for (const set of SETS) sets.push(await benchSet(set, rounds, versions !== null));
  return {
    bench: 'backup',
    cpu: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    node: process.version,
    rounds,
    peerkeep: `${HOSTS} hosts and a broker on loopback, default policy (4 of ${HOSTS}), hosts make every shard durable; restore with the cache of the machine that backed up`,
    restic:
      versions === null
        ? 'restic or rclone not installed: skipped'
        : {
            ...versions,
            how: 'one `rclone serve restic` over HTTP on loopback, no redundancy; default compression; a new repository and a new cache directory each round; restore with the cache of the machine that backed up',
          },
    how: 'wall time of the whole command from its start to its end; source in the page cache; `sync` before each phase; restored trees compared byte for byte',
    sets,
  };
}

async function benchSet(set: SourceSet, rounds: number, hasRestic: boolean): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), 'peerkeep-bench-source-'));
  try {
    say(`${set.name}: making the data`);
    const source = join(folder, 'source');
    const sourceBytes = set.make(source);
    const programs: [string, (source: string, putAside: PutAside) => Promise<Round>][] = [['peerkeep', runPeerkeep]];
    if (hasRestic) programs.push(['restic', runRestic]);
    const results: Record<string, Figures[]> = Object.fromEntries(programs.map(([name]) => [name, []]));
    for (let round = 1; round <= rounds; round++) {
      // Who goes first changes, so that neither always finds the machine as the other left it.
      for (const [name, run] of round % 2 === 1 ? programs : programs.toReversed()) {
        say(`${set.name}: round ${round} of ${rounds}, ${name}`);
        const putAside = async (copy: string): Promise<void> => {
          if (set.keepsCopies) await rename(copy, join(folder, `copy-${name}-${round}`));
        };
        const result = await run(source, putAside);
        refuseDifferences(name, result.differences);
        const figures = figuresOf(result, sourceBytes);
        say(`  ${figures.backup.megabytesPerSecond} MB/s backup, ${figures.restore.megabytesPerSecond} MB/s restore`);
        results[name]!.push(figures);
      }
    }
    return { set: set.name, sourceBytes, ...compareFigures(results) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function refuseDifferences(name: string, differences: readonly string[]): void {
  if (differences.length === 0) return;
  throw new Error(`${name} restored ${differences.length} entries wrongly: ${differences.slice(0, 5).join('; ')}`);
}

function readRounds(text: string | undefined): number {
  const rounds = Number(text ?? '1');
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('BENCH_ROUNDS is not a whole number above 0');
  return rounds;
}

function say(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}
