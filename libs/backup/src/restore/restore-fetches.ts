// Writes what a window of a restore has gathered: each object is fetched once, several at a time, and its chunks go where they belong.
import { BoundedPool } from '#process';
import { type ObjectId, ProtocolError } from '#protocol';
import { isLossOfData } from '../get/loss-of-data.js';
import type { ObjectCache } from '../get/object-cache.js';
import type { DataKeys } from '../keys.js';
import { openChunk } from '../objects/open-object.js';
import { interruptedBy } from './restore-tally.js';
import type { RestoreWindow, WantedChunk } from './restore-window.js';

/** Objects under way at once; each is up to 20 MiB with its shards. */
const FETCHES_MAX = 3;
/** Objects whose tokens are asked for at once: few enough that the last is fetched while its tokens live. */
const OBJECTS_ASKED_AT_ONCE = 16;

export class RestoreFetches {
  private readonly pool = new BoundedPool(FETCHES_MAX);

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
    const { objects, keys } = this.parts;
    interruptedBy(this.signal);
    const object = await objects.get(objectId, this.signal).catch((error: unknown) => {
      if (!isLossOfData(error)) throw error;
      for (const { file } of wanted) file.loseChunk(error);
      return null;
    });
    if (object === null) return;
    for (const { entry, file, offset } of wanted) {
      interruptedBy(this.signal);
      const plaintext = openOrFailure(() => openChunk(keys, object.key, object.bytes, entry));
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
