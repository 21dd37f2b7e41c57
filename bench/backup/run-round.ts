// One round of one program: back up, back up again with nothing changed, once more with a fiftieth changed, restore.
import { compareTrees } from '../../scripts/demo/compare-trees.js';
import { bytesBelow } from './bytes-below.js';
import { type Measured, measurePhase, type Phase } from './phase.js';

export const PHASES = ['first', 'unchanged', 'changed', 'restore'] as const;
export type PhaseName = (typeof PHASES)[number];

/** A new and empty place for backups, with everything that serves it. */
export interface Repository extends Measured {
  readonly backup: (source: string, onStarted: (pid: number) => unknown) => Promise<unknown>;
  /** Restores the newest backup into `target`, which is not there yet; once. */
  readonly restore: (onStarted: (pid: number) => unknown) => Promise<unknown>;
  readonly target: string;
  /** The folders that hold what is kept. */
  readonly folders: readonly string[];
  readonly close: () => Promise<void>;
}

export interface Round {
  readonly phases: Readonly<Record<PhaseName, Phase>>;
  /** Bytes in files that the repository keeps after the first backup, redundancy included. */
  readonly keptBytes: number;
  /** Differences between source and restored copy, found by a comparison of the bench. */
  readonly differences: readonly string[];
}

/**
 * repository   is closed at the end
 * change       changes a part of the source, before the third backup
 * putAside     takes the restored copy, which has been compared; it need not be there any more afterwards
 */
export async function runRound(
  repository: Repository,
  source: string,
  change: () => void,
  putAside: (copy: string) => Promise<void>,
): Promise<Round> {
  try {
    const backup = () => measurePhase(repository, (onStarted) => repository.backup(source, onStarted));
    const first = await backup();
    const keptBytes = repository.folders.reduce((sum, folder) => sum + bytesBelow(folder), 0);
    const unchanged = await backup();
    change();
    const changed = await backup();
    const restore = await measurePhase(repository, (onStarted) => repository.restore(onStarted));
    const { differences } = await compareTrees(source, repository.target, []);
    await putAside(repository.target);
    return { phases: { first, unchanged, changed, restore }, keptBytes, differences };
  } finally {
    await repository.close();
  }
}
