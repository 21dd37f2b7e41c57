// Follows a path through a snapshot, folder by folder, reading no more than lies on the way.
import { ProtocolError } from '#protocol';
import type { TreeEntry } from '../trees/tree-codec.js';
import type { TreeReader } from './tree-reader.js';

/**
 * path      of names with `/` between, as `ls` prints it, from the root of the snapshot; "" and "/" are the root itself
 * returns   the entry, null for the root; and the chunks of its listing, none for what is no folder
 * throws    path_missing | as a loss of data does
 */
export async function findInTree(
  trees: TreeReader,
  root: readonly string[],
  path: string,
  signal: AbortSignal,
): Promise<{ readonly entry: TreeEntry | null; readonly root: readonly string[] }> {
  let found: { entry: TreeEntry | null; root: readonly string[] } = { entry: null, root };
  for (const name of path.split('/').filter((step) => step !== '' && step !== '.')) {
    const isFolder = found.entry === null || found.entry.type === 'dir';
    const entry = isFolder ? await entryOf(trees, found.root, name, signal) : null;
    if (entry === null) throw new ProtocolError('path_missing', {}, { detail: `${path}: not in the snapshot` });
    found = { entry, root: entry.type === 'dir' ? entry.subtree : [] };
  }
  return found;
}

async function entryOf(
  trees: TreeReader,
  root: readonly string[],
  name: string,
  signal: AbortSignal,
): Promise<TreeEntry | null> {
  for await (const next of trees.walk(root, () => false, signal)) {
    if (next.step === 'lost') throw next.failure;
    if (next.step === 'entry' && Buffer.from(next.entry.name).toString() === name) return next.entry;
  }
  return null;
}
