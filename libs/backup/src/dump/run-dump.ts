// `dump`: one file of a snapshot as it is, or a folder as an archive, to a stream.
import type { Writable } from 'node:stream';
import { ProtocolError } from '#protocol';
import { findInTree } from '../get/find-in-tree.js';
import type { ObjectCache } from '../get/object-cache.js';
import type { TreeReader } from '../get/tree-reader.js';
import type { OnEvent } from '../ports.js';
import type { Snapshot } from '../trees/snapshot-codec.js';
import type { DirectoryEntry, TreeEntry } from '../trees/tree-codec.js';
import { readRange } from '../view/read-range.js';
import { DumpSink } from './dump-sink.js';
import { TarArchive } from './tar-archive.js';
import { ZipArchive } from './zip-archive.js';

export const ARCHIVE_FORMATS = ['tar', 'zip'] as const;
export type ArchiveFormat = (typeof ARCHIVE_FORMATS)[number];

/**
 * What a person asks of a dump, beside the snapshot.
 *
 * folder   of the snapshot: `path` and the names in an archive count from there
 * path     of a file or folder; `/` is everything
 * output   is written to and not ended; it must not fail without an `error` event
 * toTerminal   the output is a terminal: an archive is refused, its bytes would be taken for commands
 */
export interface DumpOrder {
  readonly folder?: string;
  readonly path: string;
  readonly archive: ArchiveFormat;
  readonly output: Writable;
  readonly toTerminal?: boolean;
}

export interface DumpRequest extends DumpOrder {
  readonly snapshot: Snapshot;
  readonly signal: AbortSignal;
  readonly onEvent: OnEvent;
}

export interface DumpSummary {
  readonly kind: 'file' | 'tar' | 'zip';
  readonly entries: number;
  readonly bytes: number;
}

export interface DumpParts {
  readonly trees: TreeReader;
  readonly objects: ObjectCache;
}

/** An archive that is being written. Entries come with the folders above them before them. */
export interface Archive {
  /**
   * path      steps from the root
   * content   of a file, read once at most
   * returns   null when it is in the archive; else why it is left out
   */
  add(
    path: readonly Uint8Array[],
    entry: TreeEntry,
    content: () => AsyncIterable<Uint8Array>,
  ): Promise<'name_hostile' | 'entry_unfit' | null>;
  end(): Promise<void>;
}

/**
 * Write a file or an archive. Memory is bounded: no more than a few objects are held. What cannot be read ends the dump,
 * for a stream that lacks something in its middle is of no use.
 *
 * throws   usage | path_missing | broker_unreachable | interrupted | as a loss of data does | the error of the stream
 */
export async function runDump(parts: DumpParts, request: DumpRequest): Promise<DumpSummary> {
  const { snapshot, signal, path, archive: format } = request;
  const top = await findInTree(parts.trees, snapshot.root, request.folder ?? '/', signal);
  if (top.entry !== null && top.entry.type !== 'dir') {
    throw new ProtocolError('path_missing', {}, { detail: `${request.folder}: is no folder of the snapshot` });
  }
  const { entry, root } = await findInTree(parts.trees, top.root, path, signal);
  const sink = new DumpSink(request.output, signal);
  if (entry !== null && entry.type !== 'dir') {
    if (entry.type !== 'file') throw new ProtocolError('path_missing', {}, { detail: `${path}: is no file or folder` });
    for await (const bytes of contentOf(parts, entry, signal)) await sink.write(bytes);
    return { kind: 'file', entries: 1, bytes: sink.bytes };
  }
  if (request.toTerminal === true) {
    const detail = `${path} is a folder, and an archive is not for a terminal: use --target or a pipe`;
    throw new ProtocolError('usage', {}, { detail });
  }
  const archive = format === 'tar' ? new TarArchive(sink) : new ZipArchive(sink);
  const entries = await addAll(parts, request, archive, { above: stepsOf(path), entry, root });
  await archive.end();
  return { kind: format, entries, bytes: sink.bytes };
}

/** Returns how many entries the archive has. */
async function addAll(
  parts: DumpParts,
  { signal, onEvent }: DumpRequest,
  archive: Archive,
  { above, entry, root }: { above: Uint8Array[]; entry: DirectoryEntry | null; root: readonly string[] },
): Promise<number> {
  let count = 0;
  const add = async (steps: readonly Uint8Array[], added: TreeEntry): Promise<void> => {
    const code = await archive.add(steps, added, () => contentOf(parts, added, signal));
    if (code === null) {
      count++;
      return;
    }
    const path = steps.map((step) => Buffer.from(step).toString()).join('/');
    onEvent({ kind: 'warning', code, detail: `${path}: left out, the archive cannot hold it` });
  };
  if (entry !== null) await add(above, entry);
  for await (const next of parts.trees.walk(root, () => true, signal)) {
    if (next.step === 'lost') throw next.failure;
    if (next.step === 'entry') await add([...above, ...next.parents, next.entry.name], next.entry);
  }
  return count;
}

async function* contentOf(parts: DumpParts, entry: TreeEntry, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  if (entry.type === 'file') yield* readRange(parts, entry, { start: 0, end: entry.sizeBytes }, signal);
}

function stepsOf(path: string): Uint8Array[] {
  return path
    .split('/')
    .filter((step) => step !== '' && step !== '.')
    .map((step) => Buffer.from(step));
}
