// Tells the entries of a snapshot, or of some of its folders.
import { ProtocolError } from '#protocol';
import type { TreeReader } from '../get/tree-reader.js';
import type { TreeEntry } from '../trees/tree-codec.js';

/** `path` starts with a slash: the root of the snapshot. */
export interface ListedEntry {
  readonly path: string;
  readonly entry: TreeEntry;
}

/**
 * folders     `/a/b`: this entry and what lies directly in it; none: everything
 * recursive   with folders: also what lies deeper
 */
export interface ListWish {
  readonly folders: readonly string[];
  readonly recursive: boolean;
}

/**
 * Depth first, in byte order of names.
 *
 * throws   path_missing for a folder that the snapshot has not | interrupted | as a loss of data does
 */
export async function listEntries(
  trees: TreeReader,
  root: readonly string[],
  { folders, recursive }: ListWish,
  onEntry: (listed: ListedEntry) => void,
  signal: AbortSignal,
): Promise<void> {
  const wanted = new Map(folders.map((folder) => [namesOf(folder).join('/'), folder]));
  const missing = new Set(wanted.keys());
  missing.delete('');
  const isAll = wanted.size === 0 || (wanted.has('') && recursive);
  /** Is the path one of the folders, or in one of them as deep as is asked for? */
  const isWanted = (names: readonly string[]): boolean => {
    if (isAll || wanted.has(names.join('/'))) return true;
    for (let depth = recursive ? 0 : names.length - 1; depth < names.length; depth++) {
      if (wanted.has(names.slice(0, depth).join('/'))) return true;
    }
    return false;
  };
  const leads = (names: readonly string[]): boolean => {
    const path = names.join('/');
    return [...wanted.keys()].some((folder) => folder.startsWith(`${path}/`));
  };
  const descend = (parents: readonly Uint8Array[], { name }: TreeEntry): boolean => {
    const names = [...parents, name].map(textOf);
    return isAll || (recursive && isWanted(names)) || wanted.has(names.join('/')) || leads(names);
  };
  for await (const next of trees.walk(root, descend, signal)) {
    if (signal.aborted) throw new ProtocolError('interrupted');
    if (next.step === 'lost') throw next.failure;
    if (next.step === 'leave') continue;
    const names = [...next.parents, next.entry.name].map(textOf);
    missing.delete(names.join('/'));
    if (isWanted(names)) onEntry({ path: `/${names.join('/')}`, entry: next.entry });
  }
  for (const path of missing) throw new ProtocolError('path_missing', { path: wanted.get(path)! });
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '');
}

function textOf(name: Uint8Array): string {
  return Buffer.from(name).toString();
}
