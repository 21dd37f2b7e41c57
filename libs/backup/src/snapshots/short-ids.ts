// How snapshots are named in tables: by the end of their ids. The beginning of an id is its time, which snapshots of one
// minute share; the end is random, so eight of its characters name a snapshot for as long as it is kept. Pure.
import type { ObjectId } from '#protocol';

/** Lengths that end before a hyphen of the id. */
const LENGTHS = [8, 12, 17, 36] as const;

/** The short form of each of these ids: the shortest length at which no two of them are equal, the same for all. */
export function shortIdsOf(ids: readonly ObjectId[]): (id: ObjectId) => string {
  const distinct = [...new Set(ids)];
  const length = LENGTHS.find((chars) => new Set(distinct.map((id) => id.slice(-chars))).size === distinct.length);
  return (id) => id.slice(-(length ?? id.length));
}
