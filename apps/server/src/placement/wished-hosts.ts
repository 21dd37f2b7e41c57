// What clients wish of the hosts of their shards, as filters for a placement: groups become their members.
import type { EntityManager } from 'typeorm';
import { placeholders } from '#database';
import { type GroupId, type HostWishes, type PeerId, ProtocolError } from '#protocol';
import type { Wishes } from './candidate.js';

export type MembersOfGroups = ReadonlyMap<GroupId, ReadonlySet<PeerId>>;

/** The members of the groups that these wishes name. A group that is there no more has none. */
export async function findMembers(db: EntityManager, wishes: readonly HostWishes[]): Promise<MembersOfGroups> {
  const groups = [...new Set(wishes.flatMap(({ group }) => group ?? []))];
  if (groups.length === 0) return NOBODY;
  const rows = await db.query<{ group_id: GroupId; peer_id: PeerId }[]>(
    `SELECT group_id, peer_id FROM group_peers WHERE standing = 'member' AND group_id IN ${placeholders(db, groups.length)}`,
    groups,
  );
  const members = new Map<GroupId, Set<PeerId>>(groups.map((group) => [group, new Set()]));
  for (const { group_id: group, peer_id: peer } of rows) members.get(group)!.add(peer);
  return members;
}

export function filterOf({ regions, group }: HostWishes, members: MembersOfGroups): Wishes {
  return {
    ...(regions !== undefined && { regions }),
    ...(group !== undefined && { peers: members.get(group) ?? new Set<PeerId>() }),
  };
}

/** Only a member may wish for the members of a group. throws group_not_member */
export function checkWishes(clientId: PeerId, { group }: HostWishes, members: MembersOfGroups): void {
  if (group === undefined || members.get(group)?.has(clientId) === true) return;
  throw new ProtocolError('group_not_member', { groupId: group });
}

const NOBODY: MembersOfGroups = new Map();
