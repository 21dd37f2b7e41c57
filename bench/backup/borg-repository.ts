// A repository of a peer: borg into a folder of this machine, encrypted, with a cache of its own.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from '../../scripts/demo/command.js';
import { firstLineOf } from './installed.js';
import type { Repository } from './run-round.js';

/** The version in use; null when borg is not installed. */
export function borgVersion(): string | null {
  return firstLineOf('borg', '--version');
}

export async function openBorg(): Promise<Repository> {
  const folder = await mkdtemp(join(tmpdir(), 'peerkeep-bench-borg-'));
  const target = join(folder, 'restored');
  const repository = join(folder, 'repository');
  const env = {
    ...process.env,
    BORG_REPO: repository,
    BORG_PASSPHRASE: 'bench',
    BORG_BASE_DIR: join(folder, 'home'),
  };
  const borg = (args: readonly string[], cwd = folder): Command => Command.startOther('borg', args, { cwd, env });
  await mkdir(join(folder, 'home'));
  await borg(['init', '--encryption', 'repokey-blake2']).finish();
  let archives = 0;
  return {
    serving: new Map(),
    brokerRequests: () => null,
    backup: (source, onStarted) =>
      borg(['create', '--compression', 'zstd,3', `::${++archives}`, '.'], source).finish({ onStarted }),
    restore: async (onStarted) => {
      await mkdir(target);
      await borg(['extract', `::${archives}`], target).finish({ onStarted });
    },
    target,
    folders: [repository],
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
