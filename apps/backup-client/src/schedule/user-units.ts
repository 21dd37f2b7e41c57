// The systemd user units of this person: written, read and removed as files, and told to systemd where it runs.
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { writeFileDurably } from '#process';

const SYSTEMCTL_MS_MAX = 30_000;

export interface Unit {
  readonly name: string;
  readonly text: string;
}

/** What systemd answered; `ok` is false also where there is no systemd, or none for this person. */
export interface SystemctlResult {
  readonly ok: boolean;
  readonly detail: string;
}

export class UserUnits {
  readonly folder: string;

  constructor(private readonly environment: Readonly<Record<string, string | undefined>>) {
    const config = environment.XDG_CONFIG_HOME || join(environment.HOME || homedir(), '.config');
    this.folder = join(config, 'systemd', 'user');
  }

  pathOf(name: string): string {
    return join(this.folder, name);
  }

  async write(units: readonly Unit[]): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    for (const { name, text } of units) await writeFileDurably(this.pathOf(name), text, 0o644);
  }

  /** Null where there is no such file. */
  async read(name: string): Promise<string | null> {
    try {
      return await readFile(this.pathOf(name), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return null;
    }
  }

  async list(): Promise<string[]> {
    try {
      return await readdir(this.folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return [];
    }
  }

  async remove(names: readonly string[]): Promise<void> {
    for (const name of names) await rm(this.pathOf(name), { force: true });
  }

  /** `systemctl --user …`. Never throws: units that systemd does not know yet are files that wait for it. */
  systemctl(...args: readonly string[]): Promise<SystemctlResult> {
    const options = { timeout: SYSTEMCTL_MS_MAX, env: { ...this.environment } };
    return new Promise((resolve) => {
      execFile('systemctl', ['--user', ...args], options, (error, _stdout, stderr) => {
        resolve({ ok: error === null, detail: stderr.trim().split('\n')[0] || (error?.message ?? '') });
      });
    });
  }
}
