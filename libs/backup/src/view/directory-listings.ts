// The folders that were listed last, decoded: whoever asks for file after file of a folder has it read once.
import { ProtocolError } from '#protocol';
import type { TreeReader } from '../get/tree-reader.js';
import type { DirectoryEntry, TreeEntry } from '../trees/tree-codec.js';

/**
 * kept     entries and chunk ids in memory, about 200 bytes each
 * folder   a heavier folder is read anew each time, without being held
 */
export interface ListingWeights {
  readonly kept: number;
  readonly folder: number;
}

const WEIGHTS_MAX: ListingWeights = { kept: 131_072, folder: 65_536 };

interface Listing {
  readonly entries: readonly TreeEntry[];
  readonly weight: number;
}

/** Keyed by the chunks of a folder's stream, so that the same folder in many snapshots is one listing. */
export class DirectoryListings {
  /** In order of use: the first was used longest ago. */
  private readonly kept = new Map<string, Listing>();
  private keptWeight = 0;

  constructor(
    private readonly trees: TreeReader,
    private readonly weightsMax: ListingWeights = WEIGHTS_MAX,
  ) {}

  /** The entries of a folder in byte order of their names. */
  async *entries(directory: DirectoryEntry, signal: AbortSignal): AsyncGenerator<TreeEntry> {
    const listing = this.take(directory) ?? (await this.read(directory, signal));
    if (listing !== null) yield* listing.entries;
    else yield* this.stream(directory, signal);
  }

  /** The entry of that name; null when the folder has none. */
  async find(directory: DirectoryEntry, name: Uint8Array, signal: AbortSignal): Promise<TreeEntry | null> {
    const listing = this.take(directory) ?? (await this.read(directory, signal));
    if (listing !== null) return search(listing.entries, name);
    for await (const entry of this.stream(directory, signal)) {
      const order = Buffer.compare(entry.name, name);
      if (order >= 0) return order === 0 ? entry : null;
    }
    return null;
  }

  private take(directory: DirectoryEntry): Listing | null {
    const key = keyOf(directory);
    const known = this.kept.get(key);
    if (known === undefined) return null;
    this.kept.delete(key);
    this.kept.set(key, known);
    return known;
  }

  /** Read a folder whole and keep it; null when it is too heavy. */
  private async read(directory: DirectoryEntry, signal: AbortSignal): Promise<Listing | null> {
    const entries: TreeEntry[] = [];
    let weight = 1;
    for await (const entry of this.stream(directory, signal)) {
      weight += weightOf(entry);
      if (weight > this.weightsMax.folder) return null;
      entries.push(entry);
    }
    const listing = { entries, weight };
    this.keep(keyOf(directory), listing);
    return listing;
  }

  private keep(key: string, listing: Listing): void {
    // Two that asked at once have read it both.
    if (this.kept.has(key)) return;
    this.kept.set(key, listing);
    this.keptWeight += listing.weight;
    for (const [oldest, { weight }] of this.kept) {
      if (this.keptWeight <= this.weightsMax.kept) return;
      this.kept.delete(oldest);
      this.keptWeight -= weight;
    }
  }

  private async *stream(directory: DirectoryEntry, signal: AbortSignal): AsyncGenerator<TreeEntry> {
    for await (const next of this.trees.walk(directory.subtree, () => false, signal)) {
      if (signal.aborted) throw new ProtocolError('interrupted');
      if (next.step === 'lost') throw next.failure;
      if (next.step === 'entry') yield next.entry;
    }
  }
}

function keyOf({ subtree }: DirectoryEntry): string {
  return subtree.join();
}

function weightOf(entry: TreeEntry): number {
  switch (entry.type) {
    case 'file':
      return 1 + (entry.content ?? entry.contentOf ?? []).length;
    case 'dir':
      return 1 + entry.subtree.length;
    default:
      return 1;
  }
}

function search(entries: readonly TreeEntry[], name: Uint8Array): TreeEntry | null {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const order = Buffer.compare(entries[middle]!.name, name);
    if (order === 0) return entries[middle]!;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return null;
}
