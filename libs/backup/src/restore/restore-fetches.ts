// Writes what a window of a restore has gathered: each object is fetched once, several at a time, and its chunks go where they belong.
import { BoundedPool } from '#process';
import { type ObjectId, ProtocolError } from '#protocol';
import { isLossOfData } from '../get/loss-of-data.js';
import type { HeldObject, ObjectCache } from '../get/object-cache.js';
import type { DataKeys } from '../keys.js';
import { BufferPool } from '../objects/buffer-pool.js';
import { CHUNK_MEMORY_BYTES, openChunk } from '../objects/open-object.js';
import { interruptedBy } from './restore-tally.js';
import type { RestoreWindow, WantedChunk } from './restore-window.js';

/** Objects under way at once; each is up to 20 MiB with its shards. */
const FETCHES_MAX = 3;
/** Objects whose tokens are asked for at once: few enough that the last is fetched while its tokens live. */
const OBJECTS_ASKED_AT_ONCE = 16;

export class RestoreFetches {
  private readonly pool = new BoundedPool(FETCHES_MAX);
  private readonly memory = new BufferPool({ slabBytes: CHUNK_MEMORY_BYTES, keptMax: FETCHES_MAX, takenMin: 0 });

  constructor(
    private readonly parts: { readonly keys: DataKeys; readonly objects: ObjectCache },
    private readonly signal: AbortSignal,
    private readonly onWritten: (bytes: number, path: string) => void,
  ) {}

  /**
   * Write everything that waits in the window. A chunk that is lost is told to its file.
   *
   * throws   broker_unreachable | interrupted | local_disk
   */
  async write(window: RestoreWindow): Promise<void> {
    const objects = window.take();
    for (let first = 0; first < objects.length; first += OBJECTS_ASKED_AT_ONCE) {
      const group = objects.slice(first, first + OBJECTS_ASKED_AT_ONCE);
      await this.parts.objects.announce(
        group.map(([objectId]) => objectId),
        this.signal,
      );
      const ends = await Promise.allSettled(
        group.map(([objectId, wanted]) => this.pool.run(() => this.writeObject(objectId, wanted))),
      );
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    }
  }

  private async writeObject(objectId: ObjectId, wanted: readonly WantedChunk[]): Promise<void> {
    interruptedBy(this.signal);
    let isThere = false;
    const write = async (object: HeldObject): Promise<void> => {
      isThere = true;
      const memory = this.memory.take(CHUNK_MEMORY_BYTES);
      try {
        await this.writeChunks(object, wanted, memory);
      } finally {
        this.memory.give(memory);
      }
    };
    try {
      await this.parts.objects.use(objectId, this.signal, write);
    } catch (error) {
      if (isThere || !isLossOfData(error)) throw error;
      for (const { file } of wanted) file.loseChunk(error);
    }
  }

  private async writeChunks(object: HeldObject, wanted: readonly WantedChunk[], memory: Buffer): Promise<void> {
    const { keys } = this.parts;
    for (const { entry, file, offset } of wanted) {
      interruptedBy(this.signal);
      const plaintext = openOrFailure(() => openChunk(keys, object.key, object.bytes, entry, memory));
      if (plaintext instanceof ProtocolError) {
        file.loseChunk(plaintext);
        continue;
      }
      await file.write(plaintext, offset);
      this.onWritten(plaintext.length, file.path);
    }
  }
}

function openOrFailure(open: () => Buffer): Buffer | ProtocolError {
  try {
    return open();
  } catch (error) {
    if (isLossOfData(error)) return error;
    throw error;
  }
}
