// The folder of archived ledger entries: one compressed text file for each run of them, written once, durable before the
// entries leave the database.
//
// A line is the JSON array of an entry's canonical bytes with its hash as a ninth element (see entry-chain.ts). Lines
// stand in the order of seq; a file is named after its first.
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { z } from 'zod';
import { syncDirectory, writeFileDurably } from '#process';
import type { LedgerEntry } from './entry-chain.js';
import { MOVEMENT_KINDS } from './movement.js';

/** Unpacked, a file is no longer than this: what a broken one says is not believed. */
const ARCHIVE_BYTES_MAX = 256 * 1024 * 1024;

const line = z.tuple([
  z.int(),
  z.enum(MOVEMENT_KINDS as [LedgerEntry['kind'], ...LedgerEntry['kind'][]]),
  z.string(),
  z.string(),
  z.string(),
  z.string().regex(/^[1-9]\d{0,18}$/),
  z.int(),
  z.string().nullable(),
  z.string(),
]);

/** A file as the database knows it. */
export interface ArchivedFile {
  readonly file: string;
  /** Of the file as it lies there, base64url. */
  readonly sha256: string;
}

export class LedgerArchive {
  constructor(private readonly folder: string) {}

  /** Write entries that follow one another. A file of the same name is replaced: nothing knows it yet. */
  async write(entries: readonly LedgerEntry[]): Promise<ArchivedFile> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    await syncDirectory(join(this.folder, '..'));
    const text = entries.map((entry) => `${lineOf(entry)}\n`).join('');
    const bytes = await promisify(gzip)(text);
    const file = `entries-${String(entries[0]!.seq).padStart(16, '0')}.jsonl.gz`;
    await writeFileDurably(join(this.folder, file), bytes);
    return { file, sha256: digestOf(bytes) };
  }

  /** The entries of a file; a text that says what is wrong with it instead. */
  async read({ file, sha256 }: ArchivedFile): Promise<LedgerEntry[] | string> {
    const bytes = await readFile(join(this.folder, file)).catch((error: NodeJS.ErrnoException) => error);
    if (bytes instanceof Error) return `${file} cannot be read: ${bytes.code}`;
    if (digestOf(bytes) !== sha256) return `${file} is not what was written`;
    const text = await promisify(gunzip)(bytes, { maxOutputLength: ARCHIVE_BYTES_MAX });
    return text
      .toString('utf8')
      .split('\n')
      .slice(0, -1)
      .map((each) => entryOf(each));
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64url');
}

function lineOf(entry: LedgerEntry): string {
  const { seq, kind, transactionId, debit, credit, amount, atMs, reason, hash } = entry;
  return JSON.stringify([seq, kind, transactionId, debit, credit, amount.toString(), atMs, reason, hash]);
}

function entryOf(text: string): LedgerEntry {
  const [seq, kind, transactionId, debit, credit, amount, atMs, reason, hash] = line.parse(JSON.parse(text));
  return { seq, kind, transactionId, debit, credit, amount: BigInt(amount), atMs, reason, hash };
}
