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
  condemned: boolean;
}

// An entry is 13 words: 8 of chunk id, then object number, index, offset, storedBytes, rawBytes.
const ID_WORDS = CHUNK_ID_BYTES / 4;
const ENTRY_WORDS = ID_WORDS + 5;
const OBJECT_WORD = ID_WORDS;
// Entries live in segments that never move: growing copies nothing and wastes less than one segment. Only the first one
// starts small, and moves while it grows: most indexes of one run hold little.
const SEGMENT_ENTRIES = 16_384;
const FIRST_SEGMENT_ENTRIES = 64;
const SLOTS_MIN = 1_024;
const LOAD_MAX = 0.7;

/**
 * Open addressing over the first word of the chunk id, which is uniform because ids are HMACs; linear probing; 52 bytes
 * an entry and 6 to 12 bytes of slots for each. A million chunks take about 60 MB.
 *
 * Where two objects hold one chunk, the first answers, unless it is condemned and the other is not. Forgetting an object leaves its entries in place until the chunk
 * comes again, with a new object or with one that is known and held it too.
 */
export class ChunkIndex {
  private slots = new Uint32Array(SLOTS_MIN);
  private readonly segments: Uint32Array[] = [];
  private entryCount = 0;
  private liveCount = 0;
  private readonly objects: ObjectRow[] = [];
  private readonly objectNumbers = new Map<ObjectId, number>();
  private readonly condemnedIds = new Set<ObjectId>();
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

  /** Is the chunk stored for good? One that only a condemned object has is to be stored again, though `get` finds it. */
  has(chunkId: Uint8Array): boolean {
    return this.storedIn(chunkId) !== null;
  }

  /** The object that has the chunk for good; null without one. */
  storedIn(chunkId: Uint8Array): ObjectId | null {
    const entryNumber = this.entryNumberOf(chunkId);
    if (entryNumber === null) return null;
    const { objectId, forgotten, condemned } = this.objectOf(entryNumber);
    return forgotten || condemned ? null : objectId;
  }

  /** A small number of its own for each chunk that was ever added, below `positions`; null for any other. */
  positionOf(chunkId: Uint8Array): number | null {
    return this.entryNumberOf(chunkId);
  }

  get positions(): number {
    return this.entryCount;
  }

  /** What is known of the chunk at a position that `positionOf` gave, wherever it lies now. */
  entryAt(position: number): ChunkEntry {
    assert(position >= 0 && position < this.entryCount);
    const { words, start } = this.wordsOf(position);
    const chunkId = Uint8Array.from(new Uint8Array(words.buffer, words.byteOffset + start * 4, CHUNK_ID_BYTES));
    const [index, offset, storedBytes, rawBytes] = words.subarray(start + OBJECT_WORD + 1, start + ENTRY_WORDS);
    assert(index !== undefined && offset !== undefined && storedBytes !== undefined && rawBytes !== undefined);
    return { chunkId, index, offset, storedBytes, rawBytes };
  }

  /** The object that answers for the chunk at a position, or did before it was forgotten. */
  objectAt(position: number): ObjectId {
    assert(position >= 0 && position < this.entryCount);
    return this.objectOf(position).objectId;
  }

  /** What is known of these objects' directories, in their order: the chunks that they answer for, not those of others. */
  entriesOf(objectIds: ReadonlySet<ObjectId>): Map<ObjectId, ChunkEntry[]> {
    const found = new Map<ObjectId, ChunkEntry[]>();
    for (let position = 0; position < this.entryCount; position++) {
      const { objectId, forgotten } = this.objectOf(position);
      if (forgotten || !objectIds.has(objectId)) continue;
      const entries = found.get(objectId);
      if (entries === undefined) found.set(objectId, [this.entryAt(position)]);
      else entries.push(this.entryAt(position));
    }
    for (const entries of found.values()) entries.sort((left, right) => left.index - right.index);
    return found;
  }

  isCondemned(objectId: ObjectId): boolean {
    return this.condemnedIds.has(objectId);
  }

  /**
   * An object is marked to be deleted, whether it is known yet or not: another one that holds its chunks takes over as
   * soon as it is added, also when it was added before. Returns whether that is new.
   */
  condemn(objectId: ObjectId): boolean {
    if (this.condemnedIds.has(objectId)) return false;
    this.condemnedIds.add(objectId);
    const objectNumber = this.objectNumbers.get(objectId);
    if (objectNumber !== undefined) this.objects[objectNumber]!.condemned = true;
    return true;
  }

  get(chunkId: Uint8Array): ChunkLocation | undefined {
    const entryNumber = this.entryNumberOf(chunkId);
    if (entryNumber === null) return undefined;
    const { objectId, forgotten } = this.objectOf(entryNumber);
    if (forgotten) return undefined;
    const { words, start } = this.wordsOf(entryNumber);
    const at = start + OBJECT_WORD;
    const index = words[at + 1]!;
    const offset = words[at + 2]!;
    return { objectId, entry: { chunkId, index, offset, storedBytes: words[at + 3]!, rawBytes: words[at + 4]! } };
  }

  /**
   * Add the chunks of a stored object. One that is known already takes over those of its chunks whose object was
   * forgotten or condemned.
   *
   * returns  whether anything changed
   * throws   chunk_index_full, and then nothing was added
   */
  addObject(objectId: ObjectId, entries: readonly ChunkEntry[]): boolean {
    const knownNumber = this.objectNumbers.get(objectId);
    if (knownNumber !== undefined) {
      const countBefore = this.objects[knownNumber]!.chunkCount;
      for (const entry of entries) if (this.entryNumberOf(entry.chunkId) !== null) this.addEntry(knownNumber, entry);
      return this.objects[knownNumber]!.chunkCount > countBefore;
    }
    if (this.entryCount + entries.length > CHUNK_INDEX_ENTRIES_MAX) {
      throw new ProtocolError('chunk_index_full', { chunks: this.entryCount });
    }
    // From here it must succeed.
    const objectNumber = this.objects.length;
    this.objects.push({ objectId, chunkCount: 0, forgotten: false, condemned: this.condemnedIds.has(objectId) });
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
    if (known !== null && !this.yields(this.objectOf(known), this.objects[objectNumber]!)) return;
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

  /** Does the object that answered for a chunk make way for another one that has it? It then no longer counts the chunk. */
  private yields(before: ObjectRow, next: ObjectRow): boolean {
    if (before.forgotten) return true;
    if (!before.condemned || next.condemned) return false;
    before.chunkCount--;
    this.liveCount--;
    return true;
  }

  private appendEntry(): number {
    if (this.entryCount >= this.slots.length * LOAD_MAX) this.growSlots();
    const entryNumber = this.entryCount++;
    if (entryNumber < SEGMENT_ENTRIES) this.growFirstSegment(entryNumber);
    else if (entryNumber % SEGMENT_ENTRIES === 0) this.segments.push(new Uint32Array(SEGMENT_ENTRIES * ENTRY_WORDS));
    return entryNumber;
  }

  private growFirstSegment(entryNumber: number): void {
    const [first] = this.segments;
    if (first === undefined) this.segments.push(new Uint32Array(FIRST_SEGMENT_ENTRIES * ENTRY_WORDS));
    else if (entryNumber * ENTRY_WORDS === first.length) {
      this.segments[0] = new Uint32Array(first.length * 2);
      this.segments[0].set(first);
    }
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
    assert(chunkId.length === CHUNK_ID_BYTES);
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
