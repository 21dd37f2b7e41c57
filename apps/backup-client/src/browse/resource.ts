// What WebDAV sees of a node of the view: a folder, or something with bytes. Pure.
//
// A symbolic link is shown as a small file whose bytes are its target, named as `rclone --links` names them
// (`NAME.rclonelink`), and is never followed. FIFOs, sockets and devices are left out, and so are names that no file
// system takes.
import { createHash } from 'node:crypto';
import { hostileReason, type ViewNode } from '#backup';

export const LINK_SUFFIX = Buffer.from('.rclonelink');

export type Resource =
  | { readonly kind: 'folder'; readonly name: Uint8Array; readonly modifiedMs: number | null; readonly node: ViewNode }
  | {
      readonly kind: 'file';
      readonly name: Uint8Array;
      readonly modifiedMs: number;
      readonly sizeBytes: number;
      /** Strong, with its quotes: equal tags mean equal bytes. */
      readonly etag: string;
      readonly node: EntryNode;
    };

export type EntryNode = Extract<ViewNode, { kind: 'entry' }>;
export type FileResource = Extract<Resource, { kind: 'file' }>;

/** Null for what is not shown. */
export function resourceOf(node: ViewNode): Resource | null {
  const { name } = node;
  if (node.kind === 'folder') return { kind: 'folder', name, modifiedMs: null, node };
  const { entry } = node;
  const modifiedMs = Number(entry.mtimeNs / 1_000_000n);
  // The root of a snapshot has the name that its folder gives it.
  if (entry.name.length > 0 && hostileReason(entry.name, 'linux') !== null) return null;
  switch (entry.type) {
    case 'dir':
      return { kind: 'folder', name, modifiedMs, node };
    case 'file': {
      const etag = tagOf('file', `${entry.sizeBytes} ${entry.content ?? entry.contentOf ?? ''}`);
      return { kind: 'file', name, modifiedMs, sizeBytes: entry.sizeBytes, etag, node };
    }
    case 'symlink': {
      const sizeBytes = entry.linkTarget.length;
      const etag = tagOf('link', entry.linkTarget);
      return { kind: 'file', name: Buffer.concat([name, LINK_SUFFIX]), modifiedMs, sizeBytes, etag, node };
    }
    default:
      return null;
  }
}

function tagOf(kind: string, content: string | Uint8Array): string {
  return `"${createHash('sha256').update(kind).update('\0').update(content).digest('base64url').slice(0, 27)}"`;
}
