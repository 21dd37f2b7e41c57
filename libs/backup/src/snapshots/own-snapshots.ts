// client/snapshots.json: the snapshots that this home wrote itself, and those of them that are not confirmed yet.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileDurably } from '#process';
import { isUuidV7, type ObjectId, ProtocolError } from '#protocol';

/** The last ones; an older one is only a parent where nothing later is, and a home without it reads every file once. */
export const OWN_SNAPSHOTS_MAX = 4_096;
/** Each is looked at before a backup. */
export const UNCONFIRMED_SNAPSHOTS_MAX = 64;

const objectId = z.custom<ObjectId>((value) => typeof value === 'string' && isUuidV7(value));
const fileSchema = z.strictObject({ written: z.array(objectId), unconfirmed: z.array(objectId) });

/**
 * Anybody with the account's keys can write a snapshot that says it is of this machine. Which ones this home wrote is
 * known by nothing but this list, so it decides whose word is taken for files that are not read again.
 *
 * Durable when a call resolves. Whoever holds the home's lock uses it, one at a time. A file that is lost or damaged is
 * an empty list.
 */
export class OwnSnapshots {
  private constructor(
    private readonly path: string,
    private written: readonly ObjectId[],
    private waiting: readonly ObjectId[],
  ) {}

  /** folder   of the engine in the home. throws local_disk */
  static async open(folder: string): Promise<OwnSnapshots> {
    const path = join(folder, 'snapshots.json');
    const parsed = fileSchema.safeParse(jsonOf(await onLocalDisk(path, () => readText(path))));
    return parsed.success
      ? new OwnSnapshots(path, parsed.data.written, parsed.data.unconfirmed)
      : new OwnSnapshots(path, [], []);
  }

  /** Written here and confirmed, oldest first. */
  get confirmed(): readonly ObjectId[] {
    return this.written;
  }

  /** On their hosts, and nobody knows yet whether they are listed and whole; oldest first. */
  get unconfirmed(): readonly ObjectId[] {
    return this.waiting;
  }

  /** A snapshot is on its hosts. throws local_disk */
  noteStored(id: ObjectId): Promise<void> {
    return this.write(this.written, [...without(this.waiting, id), id]);
  }

  /** It is listed, and everything that it needs. throws local_disk */
  noteConfirmed(id: ObjectId): Promise<void> {
    return this.write([...without(this.written, id), id], without(this.waiting, id));
  }

  /** It is withdrawn, or nobody waits for it any more. throws local_disk */
  drop(id: ObjectId): Promise<void> {
    return this.write(without(this.written, id), without(this.waiting, id));
  }

  private async write(written: readonly ObjectId[], waiting: readonly ObjectId[]): Promise<void> {
    this.written = written.slice(-OWN_SNAPSHOTS_MAX);
    this.waiting = waiting.slice(-UNCONFIRMED_SNAPSHOTS_MAX);
    const text = `${JSON.stringify({ written: this.written, unconfirmed: this.waiting })}\n`;
    await onLocalDisk(this.path, () => writeFileDurably(this.path, text));
  }
}

function without(ids: readonly ObjectId[], id: ObjectId): ObjectId[] {
  return ids.filter((other) => other !== id);
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return '';
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return null;
  }
}

async function onLocalDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new ProtocolError('local_disk', { path }, { cause });
  }
}
