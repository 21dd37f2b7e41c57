// Finds what a path of the served tree means, and what lies in a folder of it.
import type { BackupView, ViewNode } from '#backup';
import { LINK_SUFFIX, type Resource, resourceOf } from './resource.js';

/** Null when there is nothing at this path. throws what the view throws */
export async function findResource(
  view: BackupView,
  steps: readonly Uint8Array[],
  signal: AbortSignal,
): Promise<Resource | null> {
  const node = await view.resolve(steps, signal);
  const resource = node === null ? null : resourceOf(node);
  // A link is known by its name with the suffix alone; an entry that has that name itself hides it.
  if (resource !== null) return isLink(resource.node) ? null : resource;
  const linkName = linkNameOf(steps.at(-1));
  if (node !== null || linkName === null) return null;
  const link = await view.resolve([...steps.slice(0, -1), linkName], signal);
  return link !== null && isLink(link) ? resourceOf(link) : null;
}

/** What a folder shows, in the order of the stored names. */
export async function* childrenOf(view: BackupView, folder: Resource, signal: AbortSignal): AsyncGenerator<Resource> {
  const taken = new Set<string>();
  for await (const node of view.children(folder.node, signal)) {
    if (linkNameOf(node.name) !== null) taken.add(Buffer.from(node.name).toString('latin1'));
  }
  for await (const node of view.children(folder.node, signal)) {
    const resource = resourceOf(node);
    if (resource === null) continue;
    if (isLink(node) && taken.has(Buffer.from(resource.name).toString('latin1'))) continue;
    yield resource;
  }
}

function isLink(node: ViewNode): boolean {
  return node.kind === 'entry' && node.entry.type === 'symlink';
}

/** The name of the link that is shown by this one; null when it is no such name. */
function linkNameOf(name: Uint8Array | undefined): Uint8Array | null {
  if (name === undefined || name.length <= LINK_SUFFIX.length) return null;
  const suffix = name.subarray(name.length - LINK_SUFFIX.length);
  return Buffer.compare(suffix, LINK_SUFFIX) === 0 ? name.subarray(0, name.length - LINK_SUFFIX.length) : null;
}
