// HOME/shares: the files that this home shares by links, each sealed in a folder of its own beside what is known of it.
// Written by `peerkeep share`, read by the agent that serves them; no key is ever kept.
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { syncDirectory, writeFileDurably } from '#process';
import {
  base64urlLength,
  encodeBase64url,
  ProtocolError,
  SHARE_FILE_BYTES_MAX,
  SHARE_ID_BYTES,
  sealedShareBytes,
} from '#protocol';
import { type ShareSecret, sealShare } from './seal-share.js';
import { SHARE_DOWNLOADS_MAX, SHARES_BYTES_MAX, SHARES_MAX } from './share-limits.js';

const sharedFile = z.strictObject({
  version: z.literal(1),
  /** For the owner alone: visitors see the name that is sealed. */
  name: z.string(),
  snapshotId: z.string(),
  path: z.string(),
  sizeBytes: z.int().min(0).max(SHARE_FILE_BYTES_MAX),
  createdAtMs: z.int(),
  expiresAtMs: z.int(),
  downloadsMax: z.int().min(1).max(SHARE_DOWNLOADS_MAX),
});

/** One share as its owner knows it; `id` as it stands in the link. */
export type SharedFile = Omit<z.infer<typeof sharedFile>, 'version'> & { readonly id: string };

export interface ShareOrder extends Omit<SharedFile, 'id'> {
  readonly modifiedMs: number;
}

const FACTS_FILE = 'share.json';
const SEALED_FILE = 'sealed';
const UNFINISHED = '.unfinished';

export class ShareFolder {
  private readonly path: string;

  constructor(homePath: string) {
    this.path = join(homePath, 'shares');
  }

  /**
   * Seal a file and keep it. It is there when all of it is. Called by one process at a time: the holder of client.lock.
   *
   * throws   shares_full | local_disk | what reading the content throws
   */
  async create(secret: ShareSecret, order: ShareOrder, content: AsyncIterable<Uint8Array>): Promise<SharedFile> {
    const { modifiedMs, ...facts } = order;
    await this.makeRoom(order);
    const id = encodeBase64url(secret.id);
    const unfinished = join(this.path, `${id}${UNFINISHED}`);
    await mkdir(unfinished, { recursive: true, mode: 0o700 });
    try {
      const { name, sizeBytes } = order;
      await writeSealed(join(unfinished, SEALED_FILE), sealShare(secret, { name, modifiedMs, sizeBytes }, content));
      await writeFileDurably(join(unfinished, FACTS_FILE), `${JSON.stringify({ version: 1, ...facts })}\n`);
      await rename(unfinished, join(this.path, id));
      await syncDirectory(this.path);
    } catch (error) {
      await rm(unfinished, { recursive: true, force: true });
      if (error instanceof ProtocolError || (error as NodeJS.ErrnoException).code === undefined) throw error;
      throw new ProtocolError('local_disk', { path: this.path }, { cause: error });
    }
    return { ...facts, id };
  }

  /** Oldest first. throws home_corrupt */
  async list(): Promise<SharedFile[]> {
    const shares = await Promise.all((await this.ids()).map((id) => this.find(id)));
    return shares.filter((share) => share !== null).sort((left, right) => left.createdAtMs - right.createdAtMs);
  }

  async ids(): Promise<string[]> {
    return (await this.names()).filter(isShareId);
  }

  /** Null for an id that is none of a share here. throws home_corrupt */
  async find(id: string): Promise<SharedFile | null> {
    if (!isShareId(id)) return null;
    const text = await readFile(join(this.path, id, FACTS_FILE), 'utf8').catch(missing);
    if (text === null) return null;
    const facts = sharedFile.safeParse(jsonOf(text));
    if (!facts.success) throw new ProtocolError('home_corrupt', { file: `shares/${id}/${FACTS_FILE}` });
    const { version: _, ...known } = facts.data;
    return { ...known, id };
  }

  /** Withdraw a share: from here on it is not found. Returns false when there was none. */
  async remove(id: string): Promise<boolean> {
    if (!isShareId(id)) return false;
    const gone = join(this.path, `${id}${UNFINISHED}`);
    const renamed = await rename(join(this.path, id), gone).then(() => true, missing);
    await rm(gone, { recursive: true, force: true });
    return renamed !== null;
  }

  /** Withdraw what has ended by `nowMs`; returns how many shares that were. */
  async removeEnded(nowMs: number): Promise<number> {
    const ended = (await this.list()).filter(({ expiresAtMs }) => expiresAtMs <= nowMs);
    for (const { id } of ended) await this.remove(id);
    return ended.length;
  }

  /** Sealed bytes of a share from `start` up to and without `end`. Throws ENOENT when it was withdrawn meanwhile. */
  async *readSealed(
    id: string,
    range: { readonly start: number; readonly end: number },
  ): AsyncGenerator<Uint8Array, void> {
    // Opened by whoever reads: an answer that is never sent holds no file.
    if (range.start === range.end) return;
    yield* createReadStream(join(this.path, id, SEALED_FILE), { start: range.start, end: range.end - 1 });
  }

  private async makeRoom({ sizeBytes, createdAtMs }: ShareOrder): Promise<void> {
    if (sizeBytes > SHARE_FILE_BYTES_MAX) {
      const detail = `a shared file has at most ${SHARE_FILE_BYTES_MAX} bytes: browsers hold all of it until it is proven`;
      throw new ProtocolError('usage', {}, { detail });
    }
    await this.removeEnded(createdAtMs);
    // Left by a command that died: whoever calls holds the lock, so nobody is writing them.
    for (const name of await this.names()) {
      if (name.endsWith(UNFINISHED)) await rm(join(this.path, name), { recursive: true, force: true });
    }
    const shares = await this.list();
    const bytes = shares.reduce((sum, share) => sum + sealedShareBytes(share.sizeBytes), sealedShareBytes(sizeBytes));
    if (shares.length >= SHARES_MAX || bytes > SHARES_BYTES_MAX) {
      throw new ProtocolError('shares_full', { shares: shares.length, bytes });
    }
  }

  private async names(): Promise<string[]> {
    return (await readdir(this.path).catch(missing)) ?? [];
  }
}

function isShareId(text: string): boolean {
  return base64urlLength(text) === SHARE_ID_BYTES;
}

async function writeSealed(path: string, sealed: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const part of sealed) await file.writeFile(part);
    await file.sync();
  } finally {
    await file.close();
  }
}

function missing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
