// Measures backup and restore of real data through real processes: ours in two settings, restic and borg, taking turns.
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { borgVersion, openBorg } from './backup/borg-repository.js';
import { openPeerkeep } from './backup/peerkeep-repository.js';
import { openRestic, resticVersions } from './backup/restic-repository.js';
import { PHASES, type Repository, runRound } from './backup/run-round.js';
import { type BenchSettings, type ProgramName, readSettings } from './backup/settings.js';
import { filesBelow, type SourceSet, sourceSet } from './backup/source-sets.js';
import { compareFigures, type Figures, figuresOf } from './backup/summarize.js';

interface Program {
  readonly name: ProgramName;
  readonly how: string;
  /** Null when it is not installed. */
  readonly version: object | string | null;
  readonly open: () => Promise<Repository>;
}

const NOT_INSTALLED = 'not installed: skipped';

/**
 * Back up each set of data, again with nothing changed, again with two in a hundred changed, and restore it; with every
 * program that was asked for, all on loopback. What the environment chooses: settings.ts. Linux only. Talks on stderr.
 *
 * returns  medians over the rounds, ratios to restic, and every round
 * throws   when a restored byte, mode or time differs from the source
 */
export async function benchBackup(): Promise<object> {
  const settings = readSettings(process.env);
  const programs = allPrograms().filter(({ name }) => settings.programs.includes(name));
  for (const { name, version } of programs) if (version === null) say(`${name}: ${NOT_INSTALLED}`);
  const sets: object[] = [];
  for (const name of settings.sets) {
    const set = sourceSet(name, settings.shareFolder);
    const installed = programs.filter(({ version }) => version !== null);
    sets.push({ set: set.title, ...(await benchSet(set, installed, settings)) });
  }
  return {
    bench: 'backup',
    cpu: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    node: process.version,
    rounds: settings.rounds,
    programs: Object.fromEntries(
      programs.map(({ name, how, version }) => [name, { version: version ?? NOT_INSTALLED, how }]),
    ),
    how: 'wall time of the whole command from its start to its end; source in the page cache; `sync` before each phase; restored trees compared byte for byte; caches stay with the machine that backed up',
    sets,
  };
}

function allPrograms(): Program[] {
  const hosts = 'and a broker, each a process on loopback; mutual TLS; hosts make every shard durable';
  return [
    { name: 'one-copy', version: 'this', how: `one host ${hosts}`, open: () => openPeerkeep(1) },
    { name: 'four-of-six', version: 'this', how: `six hosts ${hosts}; 4 of 6`, open: () => openPeerkeep(6) },
    {
      name: 'restic',
      version: resticVersions(),
      how: 'one `rclone serve restic` over HTTP on loopback, one copy; default compression',
      open: openRestic,
    },
    {
      name: 'borg',
      version: borgVersion(),
      how: 'a folder of this machine, no server; repokey-blake2; zstd,3',
      open: openBorg,
    },
  ];
}

async function benchSet(set: SourceSet, programs: readonly Program[], { rounds }: BenchSettings): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), 'peerkeep-bench-source-'));
  try {
    say(`${set.title}: making the data`);
    const source = join(folder, 'source');
    const size = { bytes: set.make(source), files: filesBelow(source).length };
    const results: Record<string, Figures[]> = Object.fromEntries(programs.map(({ name }) => [name, []]));
    let changes = 0;
    for (let round = 1; round <= rounds; round++) {
      // Who goes first changes, so that none always finds the machine as the other left it.
      for (const { name, open } of round % 2 === 1 ? programs : programs.toReversed()) {
        say(`${set.title}: round ${round} of ${rounds}, ${name}`);
        const putAside = async (copy: string): Promise<void> => {
          if (set.keepsCopies) await rename(copy, join(folder, `copy-${name}-${round}`));
        };
        const change = (): void => set.change(source, ++changes);
        const result = await runRound(await open(), source, change, putAside);
        refuseDifferences(name, result.differences);
        const figures = figuresOf(result, size);
        for (const phase of PHASES) say(`  ${phase}: ${lineOf(figures.phases[phase])}`);
        results[name]!.push(figures);
      }
    }
    return { sourceBytes: size.bytes, sourceFiles: size.files, ...compareFigures(results) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function lineOf(figures: Figures['phases']['first']): string {
  const { seconds, megabytesPerSecond, cpuSeconds, clientPeakMegabytes } = figures;
  return `${seconds} s, ${megabytesPerSecond} MB/s, ${cpuSeconds} CPU s, client ${clientPeakMegabytes} MB`;
}

function refuseDifferences(name: string, differences: readonly string[]): void {
  if (differences.length === 0) return;
  throw new Error(`${name} restored ${differences.length} entries wrongly: ${differences.slice(0, 5).join('; ')}`);
}

function say(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}
