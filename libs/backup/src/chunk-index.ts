// Which chunks are stored already, and where: a compact table in memory, so that deduplication asks nobody.
import { strict as assert } from 'node:assert';
import { type ObjectId, ProtocolError } from '#protocol';
import { CHUNK_ID_BYTES } from './chunking/chunk-id.js';
import { CHUNK_INDEX_ENTRIES_MAX } from './limits.js';
import type { ChunkEntry } from './objects/object-codec.js';

/** A chunk's object, and its entry there. */
export interface ChunkLocation {
  readonly objectId: ObjectId;
  readonly entry: ChunkEntry;
}

interface ObjectRow {
  readonly objectId: ObjectId;
  /** Entries that answer with this object. */
  chunkCount: number;
  forgotten: boolean;
}

// An entry is 13 words: 8 of chunk id, then object number, index, offset, storedBytes, rawBytes.
const ID_WORDS = CHUNK_ID_BYTES / 4;
const ENTRY_WORDS = ID_WORDS + 5;
const OBJECT_WORD = ID_WORDS;
// Entries live in segments that never move: growing copies nothing and wastes less than one segment.
const SEGMENT_ENTRIES = 16_384;
const SLOTS_MIN = 1_024;
const LOAD_MAX = 0.7;

/**
 * Open addressing over the first word of the chunk id, which is uniform because ids are HMACs; linear probing; 52 bytes
 * an entry and 6 to 12 bytes of slots for each. A million chunks take about 60 MB.
 *
 * Where two objects hold one chunk, the first answers. Forgetting an object leaves its entries in place until the chunk
 * comes again, with a new object or with one that is known and held it too.
 */
export class ChunkIndex {
  private slots = new Uint32Array(SLOTS_MIN);
  private readonly segments: Uint32Array[] = [];
  private entryCount = 0;
  private liveCount = 0;
  private readonly objects: ObjectRow[] = [];
  private readonly objectNumbers = new Map<ObjectId, number>();
  // The id that is looked for, as words.
  private readonly sought = new Uint32Array(ID_WORDS);
  private readonly soughtBytes = new Uint8Array(this.sought.buffer);

  /** Chunks that `get` would find. */
  get size(): number {
    return this.liveCount;
  }

  /** The objects that were added and not forgotten. */
  objectIds(): IterableIterator<ObjectId> {
    return this.objectNumbers.keys();
  }

  hasObject(objectId: ObjectId): boolean {
    return this.objectNumbers.has(objectId);
  }

  has(chunkId: Uint8Array): boolean {
    const entryNumber = this.entryNumberOf(chunkId);
    return entryNumber !== null && !this.objectOf(entryNumber).forgotten;
  }

  get(chunkId: Uint8Array): ChunkLocation | undefined {
    const entryNumber = this.entryNumberOf(chunkId);
    if (entryNumber === null) return undefined;
    const { objectId, forgotten } = this.objectOf(entryNumber);
    if (forgotten) return undefined;
    const { words, start } = this.wordsOf(entryNumber);
    const [index, offset, storedBytes, rawBytes] = words.subarray(start + OBJECT_WORD + 1, start + ENTRY_WORDS);
    assert(index !== undefined && offset !== undefined && storedBytes !== undefined && rawBytes !== undefined);
    return { objectId, entry: { chunkId, index, offset, storedBytes, rawBytes } };
  }

  /**
   * Add the chunks of a stored object. One that is known already takes over those of its chunks that are found no more,
   * because the object that answered for them was forgotten.
   *
   * returns  whether anything was new
   * throws   chunk_index_full, and then nothing was added
   */
  addObject(objectId: ObjectId, entries: readonly ChunkEntry[]): boolean {
    const knownNumber = this.objectNumbers.get(objectId);
    if (knownNumber !== undefined) {
      const liveBefore = this.liveCount;
      for (const entry of entries) if (this.entryNumberOf(entry.chunkId) !== null) this.addEntry(knownNumber, entry);
      return this.liveCount > liveBefore;
    }
    if (this.entryCount + entries.length > CHUNK_INDEX_ENTRIES_MAX) {
      throw new ProtocolError('chunk_index_full', { chunks: this.entryCount });
    }
    // From here it must succeed.
    const objectNumber = this.objects.length;
    this.objects.push({ objectId, chunkCount: 0, forgotten: false });
    this.objectNumbers.set(objectId, objectNumber);
    for (const entry of entries) this.addEntry(objectNumber, entry);
    return true;
  }

  /** Forget an object that is stored no longer; its chunks are found no more. */
  forgetObject(objectId: ObjectId): void {
    const objectNumber = this.objectNumbers.get(objectId);
    if (objectNumber === undefined) return;
    const row = this.objects[objectNumber]!;
    row.forgotten = true;
    this.liveCount -= row.chunkCount;
    this.objectNumbers.delete(objectId);
  }

  private addEntry(objectNumber: number, entry: ChunkEntry): void {
    const known = this.entryNumberOf(entry.chunkId);
    if (known !== null && !this.objectOf(known).forgotten) return;
    const entryNumber = known ?? this.appendEntry();
    const { words, start } = this.wordsOf(entryNumber);
    words.set(this.sought, start);
    words[start + OBJECT_WORD] = objectNumber;
    words[start + OBJECT_WORD + 1] = entry.index;
    words[start + OBJECT_WORD + 2] = entry.offset;
    words[start + OBJECT_WORD + 3] = entry.storedBytes;
    words[start + OBJECT_WORD + 4] = entry.rawBytes;
    if (known === null) this.place(entryNumber, this.sought[0]!);
    this.objects[objectNumber]!.chunkCount++;
    this.liveCount++;
  }

  private appendEntry(): number {
    if (this.entryCount >= this.slots.length * LOAD_MAX) this.growSlots();
    const entryNumber = this.entryCount++;
    if (entryNumber % SEGMENT_ENTRIES === 0) this.segments.push(new Uint32Array(SEGMENT_ENTRIES * ENTRY_WORDS));
    return entryNumber;
  }

  private growSlots(): void {
    this.slots = new Uint32Array(this.slots.length * 2);
    for (let entryNumber = 0; entryNumber < this.entryCount; entryNumber++) {
      const { words, start } = this.wordsOf(entryNumber);
      this.place(entryNumber, words[start]!);
    }
  }

  /** Write an entry into the first free slot of its chain. A slot holds the entry number plus one; zero is free. */
  private place(entryNumber: number, firstWord: number): void {
    const mask = this.slots.length - 1;
    let slot = firstWord & mask;
    while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
    this.slots[slot] = entryNumber + 1;
  }

  /** Also leaves the id in `sought`. */
  private entryNumberOf(chunkId: Uint8Array): number | null {
    assert.equal(chunkId.length, CHUNK_ID_BYTES);
    this.soughtBytes.set(chunkId);
    const mask = this.slots.length - 1;
    for (let slot = this.sought[0]! & mask; this.slots[slot] !== 0; slot = (slot + 1) & mask) {
      const entryNumber = this.slots[slot]! - 1;
      if (this.isSought(entryNumber)) return entryNumber;
    }
    return null;
  }

  private isSought(entryNumber: number): boolean {
    const { words, start } = this.wordsOf(entryNumber);
    for (let i = 0; i < ID_WORDS; i++) {
      if (words[start + i] !== this.sought[i]) return false;
    }
    return true;
  }

  private objectOf(entryNumber: number): ObjectRow {
    const { words, start } = this.wordsOf(entryNumber);
    return this.objects[words[start + OBJECT_WORD]!]!;
  }

  private wordsOf(entryNumber: number): { words: Uint32Array; start: number } {
    return {
      words: this.segments[Math.floor(entryNumber / SEGMENT_ENTRIES)]!,
      start: (entryNumber % SEGMENT_ENTRIES) * ENTRY_WORDS,
    };
  }
}
