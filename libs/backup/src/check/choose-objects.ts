// Which objects a check reads when it is not to read all of them, with restic's meaning of --read-data-subset. Pure.
import { createHash } from 'node:crypto';
import type { ListedObject } from '#protocol';

/**
 * part      one of so many fixed parts of all objects: asked for one after another they are everything
 * percent   so many objects, chosen at random
 * bytes     objects of about so many bytes together, chosen at random
 */
export type DataSubset =
  | { readonly kind: 'part'; readonly number: number; readonly of: number }
  | { readonly kind: 'percent'; readonly percent: number }
  | { readonly kind: 'bytes'; readonly bytes: number };

export const PARTS_MAX = 256;

/** random: in [0, 1). At least one object where there are any, unless a fixed part has none. */
export function chooseObjects<T extends Pick<ListedObject, 'objectId' | 'sizeBytes'>>(
  objects: readonly T[],
  subset: DataSubset,
  random: () => number,
): T[] {
  switch (subset.kind) {
    case 'part':
      return objects.filter(({ objectId }) => partOf(objectId, subset.of) === subset.number);
    case 'percent':
      return atRandom(objects, Math.floor((objects.length * subset.percent) / 100), random);
    case 'bytes': {
      const totalBytes = objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      return atRandom(objects, Math.floor((objects.length * subset.bytes) / Math.max(totalBytes, 1)), random);
    }
  }
}

/** `n/t`, `n%`, or a size in bytes with K, M, G or T of 1024; null for anything else. */
export function parseDataSubset(text: string): DataSubset | null {
  const part = /^(\d{1,3})\/(\d{1,3})$/.exec(text);
  if (part !== null) {
    const [number, of] = [Number(part[1]), Number(part[2])];
    return number >= 1 && number <= of && of <= PARTS_MAX ? { kind: 'part', number, of } : null;
  }
  const percent = /^(\d{1,3}(?:\.\d{1,6})?)%$/.exec(text);
  if (percent !== null) {
    const value = Number(percent[1]);
    return value > 0 && value <= 100 ? { kind: 'percent', percent: value } : null;
  }
  const size = /^(\d{1,15})([KMGT]?)$/i.exec(text);
  if (size === null) return null;
  const bytes = Number(size[1]) * 1024 ** ' KMGT'.indexOf(size[2] === '' ? ' ' : size[2]!.toUpperCase());
  return bytes > 0 && Number.isSafeInteger(bytes) ? { kind: 'bytes', bytes } : null;
}

/** Ids begin with a time; their hashes spread evenly. */
function partOf(objectId: string, parts: number): number {
  return (createHash('sha256').update(objectId).digest().readUInt32BE(0) % parts) + 1;
}

/** The first `count` places of a shuffle, in the order of the list. */
function atRandom<T>(objects: readonly T[], count: number, random: () => number): T[] {
  const wanted = Math.min(Math.max(count, 1), objects.length);
  const places = objects.map((_, place) => place);
  for (let i = 0; i < wanted; i++) {
    const other = i + Math.floor(random() * (places.length - i));
    [places[i], places[other]] = [places[other]!, places[i]!];
  }
  return places
    .slice(0, wanted)
    .sort((left, right) => left - right)
    .map((place) => objects[place]!);
}
