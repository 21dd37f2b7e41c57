// How a client asks which code its new objects must have.
import type { BeginPutRequest } from '#protocol';

/**
 * How new objects are to be kept. Absent is as the broker does it for anybody.
 *
 * durability   the class
 * wishes       which hosts may get the shards
 */
export type PutWish = Readonly<Pick<BeginPutRequest, 'durability' | 'wishes'>>;

/** `GET` of it answers with the code. */
export function redundancyPath({ durability, wishes }: PutWish): string {
  const query = new URLSearchParams({
    ...(durability !== undefined && { durability }),
    ...(wishes?.regions !== undefined && { regions: wishes.regions.join(',') }),
    ...(wishes?.group !== undefined && { group: wishes.group }),
  });
  return query.size === 0 ? '/v1/redundancy' : `/v1/redundancy?${query}`;
}
