// Groups of peers (B14): a peer makes one, others apply, the owner's account decides, members leave.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '#process';
import {
  type CreateGroupAnswer,
  type CreateGroupRequest,
  type DecideMembershipRequest,
  GROUP_APPLICANTS_MAX,
  GROUP_MEMBERS_MAX,
  GROUPS_PER_ACCOUNT_MAX,
  GROUPS_PER_PEER_MAX,
  type GroupId,
  type ListGroupsAnswer,
  type PeerId,
  ProtocolError,
  uuidV7,
} from '#protocol';
import type { Caller } from '../control/caller.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import {
  countGroupsOf,
  countPeers,
  countStandings,
  deleteGroupPeer,
  findGroup,
  findGroupPeers,
  findGroupsOf,
  findStanding,
  type Group,
  insertGroup,
  insertGroupPeer,
  makeMember,
  type Standing,
} from './group-rows.js';

@Injectable()
export class Groups {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
  ) {}

  /** throws group_full when the account owns, or the peer is in, as many as may be */
  async create({ peer }: Caller, { name }: CreateGroupRequest): Promise<CreateGroupAnswer> {
    const nowMs = this.clock.nowMs();
    const groupId = uuidV7<GroupId>(nowMs, randomBytes(10));
    const { peerId, accountId } = peer;
    await this.database.write(async (db) => {
      if ((await countGroupsOf(db, accountId)) >= GROUPS_PER_ACCOUNT_MAX) throw new ProtocolError('group_full');
      if ((await countStandings(db, peerId)) >= GROUPS_PER_PEER_MAX) throw new ProtocolError('group_full');
      await insertGroup(db, { groupId, accountId, name }, nowMs);
      await insertGroupPeer(db, { groupId, peerId, standing: 'member' }, nowMs);
    });
    return { groupId };
  }

  /** Applying twice, or as a member, changes nothing. throws group_unknown | group_full */
  async apply({ peer }: Caller, groupId: GroupId): Promise<void> {
    const { peerId } = peer;
    await this.database.write(async (db) => {
      await this.existing(db, groupId);
      if ((await findStanding(db, groupId, peerId)) !== null) return;
      if ((await countPeers(db, groupId, 'applicant')) >= GROUP_APPLICANTS_MAX) throw new ProtocolError('group_full');
      if ((await countStandings(db, peerId)) >= GROUPS_PER_PEER_MAX) throw new ProtocolError('group_full');
      await insertGroupPeer(db, { groupId, peerId, standing: 'applicant' }, this.clock.nowMs());
    });
  }

  /** throws group_unknown | group_not_owned | group_application_unknown | group_full */
  async decide({ peer }: Caller, groupId: GroupId, decision: DecideMembershipRequest): Promise<void> {
    const { peerId, accept } = decision;
    await this.database.write(async (db) => {
      const group = await this.existing(db, groupId);
      if (group.accountId !== peer.accountId) throw new ProtocolError('group_not_owned', { groupId });
      const standing = await findStanding(db, groupId, peerId);
      if (standing === null) throw new ProtocolError('group_application_unknown', { groupId, peerId });
      if (!accept) return deleteGroupPeer(db, groupId, peerId);
      if (standing === 'member') return;
      if ((await countPeers(db, groupId, 'member')) >= GROUP_MEMBERS_MAX) throw new ProtocolError('group_full');
      await makeMember(db, groupId, peerId, this.clock.nowMs());
    });
  }

  /** A peer that is not in the group has left it already. throws group_unknown */
  async leave({ peer }: Caller, groupId: GroupId): Promise<void> {
    await this.database.write(async (db) => {
      await this.existing(db, groupId);
      await deleteGroupPeer(db, groupId, peer.peerId);
    });
  }

  async list({ peer }: Caller): Promise<ListGroupsAnswer> {
    const groups = await findGroupsOf(this.database.reads, peer);
    const peers = await findGroupPeers(
      this.database.reads,
      groups.map(({ groupId }) => groupId),
    );
    return {
      groups: groups.map(({ groupId, name, accountId }) => {
        const own = peers.find((entry) => entry.groupId === groupId && entry.peerId === peer.peerId);
        const owned = accountId === peer.accountId;
        const peersAs = (standing: Standing): PeerId[] =>
          peers.filter((p) => p.groupId === groupId && p.standing === standing).map(({ peerId }) => peerId);
        return {
          groupId,
          name,
          owned,
          standing: own?.standing ?? 'none',
          members: owned ? peersAs('member') : null,
          applicants: owned ? peersAs('applicant') : null,
        };
      }),
    };
  }

  private async existing(db: EntityManager, groupId: GroupId): Promise<Group> {
    const group = await findGroup(db, groupId);
    if (group === null) throw new ProtocolError('group_unknown', { groupId });
    return group;
  }
}
