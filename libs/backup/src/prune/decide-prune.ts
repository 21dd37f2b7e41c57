// Decides what a prune does with each object: delete it, mark it, copy what is wanted out of it, or leave it alone. Pure.
import type { ObjectId } from '#protocol';

/** A data or tree object as a prune found it. */
export interface WeighedObject {
  readonly objectId: ObjectId;
  readonly kind: 'data' | 'tree';
  readonly createdMs: number;
  /** Bytes of its sealed chunks; zero when no index names it, and then no snapshot needs it. */
  readonly chunkBytes: number;
  /** Of these, the bytes of wanted chunks that are looked for here and not in another object. */
  readonly liveBytes: number;
  /** It has a wanted chunk that no unmarked object has, of those that gave what they should have when they were asked. */
  readonly stranded: boolean;
  /** When its mark lets it go; null without a mark. */
  readonly ripeMs: number | null;
  readonly held: boolean;
}

export interface PruneRules {
  readonly nowMs: number;
  readonly minAgeMs: number;
  /** Unused bytes that may stay, of all that stay: a percentage, a number of bytes, or all of them. */
  readonly maxUnused: { readonly percent: number } | { readonly bytes: number } | 'unlimited';
  /** Bytes to copy at most; null for no bound. */
  readonly repackBytesMax: number | null;
  /** Also copy what lies in objects smaller than this, when there are two or more of a kind; null to leave them. */
  readonly smallBytesMax: number | null;
}

export interface PrunePlan {
  /** Marked for long enough, and nothing in them is wanted or only they have it. */
  readonly deletes: readonly ObjectId[];
  /** Marked, and yet they alone have something wanted: it is copied out, and a later prune deletes them. */
  readonly rescues: readonly ObjectId[];
  /** Unmarked, with too much that nobody wants: the rest is copied out, and they are marked. */
  readonly repacks: readonly ObjectId[];
  /** Nobody wants anything of them. */
  readonly marks: readonly ObjectId[];
  /** Marked before, and to be deleted by a later prune. */
  readonly waits: readonly ObjectId[];
  /** Bytes that nobody wants in objects that stay as they are. */
  readonly unusedBytes: number;
}

/**
 * The plan of a prune.
 *
 * An object is deleted only when every wanted chunk in it is also in an object without a mark: the proof that the last
 * copy is never deleted rests on that (docs/decisions, prune).
 */
export function decidePrune(objects: readonly WeighedObject[], rules: PruneRules): PrunePlan {
  const marked = objects.filter(({ ripeMs }) => ripeMs !== null);
  const unmarked = objects.filter(({ ripeMs }) => ripeMs === null);
  const mayGo = (object: WeighedObject): boolean => !object.held && !object.stranded && object.ripeMs! <= rules.nowMs;
  const mayBeMarked = (object: WeighedObject): boolean =>
    !object.held && object.createdMs + rules.minAgeMs <= rules.nowMs;

  const marks = unmarked.filter((object) => object.liveBytes === 0 && !object.stranded && mayBeMarked(object));
  const repacks = chooseRepacks(
    unmarked.filter(({ liveBytes }) => liveBytes > 0),
    mayBeMarked,
    rules,
  );
  const gone = new Set([...marks, ...repacks]);
  return {
    deletes: idsOf(marked.filter(mayGo)),
    rescues: idsOf(marked.filter(({ stranded }) => stranded)),
    repacks: idsOf(repacks),
    marks: idsOf(marks),
    waits: idsOf(marked.filter((object) => !mayGo(object))),
    unusedBytes: sum(unmarked.filter((object) => !gone.has(object)).map(unusedOf)),
  };
}

/** Emptiest first, until what stays unused is within the bound. */
function chooseRepacks(
  partly: readonly WeighedObject[],
  mayBeMarked: (object: WeighedObject) => boolean,
  rules: PruneRules,
): WeighedObject[] {
  const usedBytes = sum(partly.map(({ liveBytes }) => liveBytes));
  const allowedBytes = allowedUnused(usedBytes, rules.maxUnused);
  let unusedBytes = sum(partly.map(unusedOf));
  let copyBytes = 0;
  const chosen = new Set<WeighedObject>();
  const take = (object: WeighedObject): void => {
    if (rules.repackBytesMax !== null && copyBytes + object.liveBytes > rules.repackBytesMax) return;
    chosen.add(object);
    copyBytes += object.liveBytes;
    unusedBytes -= unusedOf(object);
  };
  const emptiestFirst = partly
    .filter((object) => unusedOf(object) > 0 && mayBeMarked(object))
    .sort((left, right) => unusedOf(right) * left.chunkBytes - unusedOf(left) * right.chunkBytes);
  for (const object of emptiestFirst) {
    if (unusedBytes <= allowedBytes) break;
    take(object);
  }
  const { smallBytesMax } = rules;
  if (smallBytesMax !== null) {
    for (const kind of ['data', 'tree'] as const) {
      const small = partly.filter((object) => object.kind === kind && object.chunkBytes < smallBytesMax);
      const free = small.filter((object) => mayBeMarked(object));
      // One small object alone would be copied into another small object.
      if (free.length > 1) for (const object of free) if (!chosen.has(object)) take(object);
    }
  }
  return [...chosen];
}

/** Of what stays, used and unused together, at most this may be unused. */
function allowedUnused(usedBytes: number, maxUnused: PruneRules['maxUnused']): number {
  if (maxUnused === 'unlimited') return Number.POSITIVE_INFINITY;
  if ('bytes' in maxUnused) return maxUnused.bytes;
  if (maxUnused.percent >= 100) return Number.POSITIVE_INFINITY;
  const share = maxUnused.percent / 100;
  return (share / (1 - share)) * usedBytes;
}

function unusedOf({ chunkBytes, liveBytes }: WeighedObject): number {
  return chunkBytes - liveBytes;
}

function idsOf(objects: readonly WeighedObject[]): ObjectId[] {
  return objects.map(({ objectId }) => objectId);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
