// Everything that the broker knows to be at a host, or on its way there, or perhaps still there: nothing of it may go.
import type { EntityManager } from 'typeorm';
import type { ContentId, PeerId } from '#protocol';
import { KNOWN_CONTENTS_AT_ONCE } from '../limits.js';

/**
 * The sources, in the order in which they are read. Each is read whole, page by page, while others write: content that goes
 * from one source to another meanwhile goes to one that is read later, and so is seen in one of them at least.
 *
 *   1. puts without a happy end: under way, unconfirmed, or void, which late reports may still make good
 *   2. shards: placed, stored or moving away; of deleted objects too, which their owners have deleted by tokens
 *   3. contents of groups
 *   4. places where content was lost: the host may have it all the same, and it may be all that is left
 *
 * A settled put leaves a shard or a content of a group; where it does not, another host has the shard, and the copy is
 * garbage.
 */
const SOURCES = [
  { table: 'transactions', condition: "op = 'put' AND state IN ('issued', 'unconfirmed', 'void') AND cid IS NOT NULL" },
  { table: 'shards', condition: null },
  { table: 'group_contents', condition: null },
  { table: 'lost_places', condition: null },
] as const;

/** Which of a host's contents: those whose content ids begin with `prefix`. */
export interface ContentsOfHost {
  readonly hostId: PeerId;
  readonly prefix: string;
}

/** Content ids of all sources, page by page; one that is in several comes several times. */
export async function* knownContents(db: EntityManager, of: ContentsOfHost): AsyncGenerator<readonly ContentId[]> {
  for (const { table, condition } of SOURCES) {
    let after = '';
    let page: { cid: ContentId }[];
    do {
      page = await db.query(
        `SELECT DISTINCT cid FROM ${table} WHERE ${whereOf(of, condition)} AND cid > $3
         ORDER BY cid LIMIT ${KNOWN_CONTENTS_AT_ONCE}`,
        [...valuesOf(of), after],
      );
      yield page.map(({ cid }) => cid);
      after = page.at(-1)?.cid ?? after;
    } while (page.length === KNOWN_CONTENTS_AT_ONCE);
  }
}

/** How many rows there are of them: at least as many as content ids. */
export async function countKnownContents(db: EntityManager, of: ContentsOfHost): Promise<number> {
  let count = 0;
  for (const { table, condition } of SOURCES) {
    const [row] = await db.query<{ n: number | string }[]>(
      `SELECT COUNT(*) AS n FROM ${table} WHERE ${whereOf(of, condition)}`,
      valuesOf(of),
    );
    count += Number(row?.n ?? 0);
  }
  return count;
}

/** The prefix is compared as text of its own: an order of texts may be that of a language. */
function whereOf({ prefix }: ContentsOfHost, condition: string | null): string {
  const others = condition === null ? '' : ` AND ${condition}`;
  return `host_id = $1 AND substr(cid, 1, ${prefix.length}) = $2${others}`;
}

function valuesOf({ hostId, prefix }: ContentsOfHost): string[] {
  return [hostId, prefix];
}
