// The tables of groups: who owns one, who is in it or has applied, and which content its members have.
import type { EntityManager } from 'typeorm';
import { changeMany, changeOne, insertRows, placeholders } from '#database';
import type { AccountId, ContentId, GroupId, PeerId } from '#protocol';

export type Standing = 'member' | 'applicant';

export interface Group {
  readonly groupId: GroupId;
  readonly accountId: AccountId;
  readonly name: string;
}

export interface GroupPeer {
  readonly groupId: GroupId;
  readonly peerId: PeerId;
  readonly standing: Standing;
}

export async function insertGroup(db: EntityManager, group: Group, nowMs: number): Promise<void> {
  await insertRows(db, { table: 'peer_groups', columns: ['id', 'account_id', 'name', 'created_at_ms'] }, [
    [group.groupId, group.accountId, group.name, nowMs],
  ]);
}

export async function findGroup(db: EntityManager, groupId: GroupId): Promise<Group | null> {
  const [group] = await groupsWhere(db, 'id = $1', [groupId]);
  return group ?? null;
}

/** Those that the account owns, and those that the peer is in or has applied to; oldest first. */
export function findGroupsOf(
  db: EntityManager,
  { accountId, peerId }: { accountId: AccountId; peerId: PeerId },
): Promise<Group[]> {
  return groupsWhere(db, 'account_id = $1 OR id IN (SELECT group_id FROM group_peers WHERE peer_id = $2)', [
    accountId,
    peerId,
  ]);
}

export async function countGroupsOf(db: EntityManager, accountId: AccountId): Promise<number> {
  return count(db, 'peer_groups WHERE account_id = $1', [accountId]);
}

/** In how many groups a peer is, or has applied to be. */
export async function countStandings(db: EntityManager, peerId: PeerId): Promise<number> {
  return count(db, 'group_peers WHERE peer_id = $1', [peerId]);
}

export async function countPeers(db: EntityManager, groupId: GroupId, standing: Standing): Promise<number> {
  return count(db, 'group_peers WHERE group_id = $1 AND standing = $2', [groupId, standing]);
}

export async function findGroupPeers(db: EntityManager, groupIds: readonly GroupId[]): Promise<GroupPeer[]> {
  if (groupIds.length === 0) return [];
  const rows = await db.query<{ group_id: GroupId; peer_id: PeerId; standing: Standing }[]>(
    `SELECT group_id, peer_id, standing FROM group_peers WHERE group_id IN ${placeholders(db, groupIds.length)}
     ORDER BY group_id, peer_id`,
    [...groupIds],
  );
  return rows.map((row) => ({ groupId: row.group_id, peerId: row.peer_id, standing: row.standing }));
}

export async function findStanding(db: EntityManager, groupId: GroupId, peerId: PeerId): Promise<Standing | null> {
  const rows = await db.query<{ standing: Standing }[]>(
    'SELECT standing FROM group_peers WHERE group_id = $1 AND peer_id = $2',
    [groupId, peerId],
  );
  return rows[0]?.standing ?? null;
}

export async function insertGroupPeer(db: EntityManager, peer: GroupPeer, nowMs: number): Promise<void> {
  await insertRows(db, { table: 'group_peers', columns: ['group_id', 'peer_id', 'standing', 'since_ms'] }, [
    [peer.groupId, peer.peerId, peer.standing, nowMs],
  ]);
}

export async function makeMember(db: EntityManager, groupId: GroupId, peerId: PeerId, nowMs: number): Promise<void> {
  await changeOne(
    db,
    "UPDATE group_peers SET standing = 'member', since_ms = $1 WHERE group_id = $2 AND peer_id = $3",
    [nowMs, groupId, peerId],
  );
}

export async function deleteGroupPeer(db: EntityManager, groupId: GroupId, peerId: PeerId): Promise<void> {
  await changeMany(db, 'DELETE FROM group_peers WHERE group_id = $1 AND peer_id = $2', [groupId, peerId]);
}

export interface GroupContent {
  readonly hostId: PeerId;
  readonly cid: ContentId;
  readonly sizeBytes: number;
}

export async function deleteGroupContents(
  db: EntityManager,
  groupId: GroupId,
  contents: readonly GroupContent[],
): Promise<void> {
  for (const { hostId, cid } of contents) {
    await changeOne(db, 'DELETE FROM group_contents WHERE group_id = $1 AND host_id = $2 AND cid = $3', [
      groupId,
      hostId,
      cid,
    ]);
  }
}

/** Which members have which of these contents, as receipts told. */
export async function findGroupContents(
  db: EntityManager,
  groupId: GroupId,
  cids: readonly ContentId[],
): Promise<GroupContent[]> {
  const rows = await db.query<{ host_id: PeerId; cid: ContentId; size_bytes: number | string }[]>(
    `SELECT host_id, cid, size_bytes FROM group_contents
     WHERE group_id = $1 AND cid IN ${placeholders(db, cids.length, 2)}`,
    [groupId, ...cids],
  );
  return rows.map((row) => ({ hostId: row.host_id, cid: row.cid, sizeBytes: Number(row.size_bytes) }));
}

async function groupsWhere(db: EntityManager, condition: string, parameters: readonly string[]): Promise<Group[]> {
  const rows = await db.query<{ id: GroupId; account_id: AccountId; name: string }[]>(
    `SELECT id, account_id, name FROM peer_groups WHERE ${condition} ORDER BY id`,
    [...parameters],
  );
  return rows.map((row) => ({ groupId: row.id, accountId: row.account_id, name: row.name }));
}

async function count(db: EntityManager, from: string, parameters: readonly string[]): Promise<number> {
  const [row] = await db.query<{ n: number | string }[]>(`SELECT COUNT(*) AS n FROM ${from}`, [...parameters]);
  return Number(row?.n ?? 0);
}
