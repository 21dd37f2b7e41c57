// client/runs.jsonl: what became of the backups of this machine, the last thousand or so, one line each.
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileDurably } from '#process';
import { RUN_LINE_BYTES_MAX, RUNS_KEPT_MAX } from './limits.js';

const runSchema = z.object({
  /** The set of the configuration that was backed up; null for paths that a person gave. */
  set: z.string().nullable(),
  /** Of paths that a person gave: their mark (place-mark.ts), by which the set of the same paths is known. */
  place: z.string().optional(),
  startedAtMs: z.int(),
  endedAtMs: z.int(),
  /**
   * incomplete: a snapshot was made, and some files could not be read. unconfirmed: a snapshot is on its hosts, and the
   * broker has not said yet that it has all of it. interrupted: a person stopped it.
   */
  outcome: z.enum(['success', 'incomplete', 'unconfirmed', 'failure', 'interrupted']),
  /** Why it failed, as an error code, and in words; `backup_empty` also of one that made a snapshot of no file. */
  code: z.string().optional(),
  message: z.string().optional(),
  snapshotId: z.string().optional(),
  files: z.int().optional(),
  bytes: z.int().optional(),
  bytesNew: z.int().optional(),
});

export type BackupRun = z.infer<typeof runSchema>;

/** A snapshot was made: what could not be read is a matter of its own, and was told. */
export function hasSucceeded({ outcome }: BackupRun): boolean {
  return outcome === 'success' || outcome === 'incomplete';
}

/**
 * Written by whoever holds the home's client.lock; read by anybody. Who did not get the lock adds its line and trims
 * nothing, for a line that the holder adds meanwhile would be lost. A line that a crash cut short, or that a later
 * version wrote, is passed over.
 */
export class RunLog {
  private readonly path: string;

  constructor(
    homePath: string,
    private readonly hasLock = true,
  ) {
    this.path = join(homePath, 'client', 'runs.jsonl');
  }

  /** Oldest first. */
  async read(): Promise<BackupRun[]> {
    return linesOf(await this.text()).flatMap((line) => {
      const run = parseLine(line);
      return run === null ? [] : [run];
    });
  }

  async append(run: BackupRun): Promise<void> {
    const message = run.message?.slice(0, RUN_LINE_BYTES_MAX / 8);
    const line = JSON.stringify(message === undefined ? run : { ...run, message });
    const before = await this.text();
    const lines = linesOf(before);
    if (this.hasLock && lines.length >= 2 * RUNS_KEPT_MAX) {
      await writeFileDurably(this.path, `${[...lines.slice(1 - RUNS_KEPT_MAX), line].join('\n')}\n`);
      return;
    }
    const file = await open(this.path, 'a', 0o600);
    try {
      // A line that was cut short must not take this one with it.
      const isCut = before !== '' && !before.endsWith('\n');
      await file.appendFile(`${isCut ? '\n' : ''}${line}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  private async text(): Promise<string> {
    try {
      return await readFile(this.path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return '';
    }
  }
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

function parseLine(line: string): BackupRun | null {
  try {
    const parsed = runSchema.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : null;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return null;
  }
}
