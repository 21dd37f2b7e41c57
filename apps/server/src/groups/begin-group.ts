// Begins a transaction with a whole group (B14): one id, and for every member that is there a token under its own key.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '#process';
import {
  BATCHED_SHARDS_MAX,
  type BeginGroupAnswer,
  type BeginGroupRequest,
  formatTime,
  type PeerId,
  ProtocolError,
  type TransactionId,
  uuidV7,
} from '#protocol';
import type { Caller } from '../control/caller.js';
import { TokenIssuer } from '../keys/token-issuer.js';
import { Ledger } from '../ledger/ledger.js';
import { requireRightToDelete } from '../peers/append-only.js';
import { type OnlineHost, OnlineHosts } from '../placement/online-hosts.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { type BegunToken, between, permittedBy } from '../transactions/begun-token.js';
import { HostHolds } from '../transactions/host-holds.js';
import { reservations } from '../transactions/movements.js';
import { ShardCharges } from '../transactions/shard-charges.js';
import { insertTransactions, type NewTransaction, PLAIN } from '../transactions/transaction-rows.js';
import { findWantedElsewhere, placeKey } from '../transactions/wanted-elsewhere.js';
import { deleteGroupContents, findGroup, findGroupContents, findGroupPeers, type GroupContent } from './group-rows.js';

/** A member's token, and which items of the request it is for. */
interface MemberToken {
  readonly begun: BegunToken;
  readonly items: readonly number[];
}

interface Begun {
  readonly id: TransactionId;
  readonly expiresAtMs: number;
  readonly tokens: readonly MemberToken[];
  readonly offline: readonly PeerId[];
}

@Injectable()
export class BeginGroup {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly settings: Settings,
    private readonly hosts: OnlineHosts,
    private readonly ledger: Ledger,
    private readonly tokens: TokenIssuer,
    private readonly charges: ShardCharges,
  ) {}

  /**
   * A put goes to every other member and sets credit aside for each; a get or delete, to those that have any of the
   * items as content of this group.
   *
   * throws   peer_append_only for a delete | request_invalid | group_unknown | group_not_member | group_content_unknown | not_enough_hosts when no other
   *          member that it is for is there | request_too_large for more than BATCHED_SHARDS_MAX items at all of them
   *          together | credit_exceeded
   */
  async run(caller: Caller, request: BeginGroupRequest): Promise<BeginGroupAnswer> {
    const holds = new HostHolds(this.hosts);
    let begun: Begun;
    try {
      begun = await this.database.write((db) => this.begin(db, caller, request, holds));
    } catch (error) {
      holds.undo();
      throw error;
    }
    const permissions = await Promise.all(
      begun.tokens.map(async ({ begun: token, items }) => ({
        host: token.host,
        token: await this.tokens.seal(permittedBy(token)),
        items: [...items],
      })),
    );
    const { id: transactionId, expiresAtMs, offline } = begun;
    return { transactionId, expiresAt: formatTime(expiresAtMs), permissions, offline: [...offline] };
  }

  private async begin(db: EntityManager, caller: Caller, request: BeginGroupRequest, holds: HostHolds): Promise<Begun> {
    const { groupId, op, items } = request;
    if (op === 'delete') await requireRightToDelete(db, caller.peer.peerId);
    if (new Set(items.map(({ cid }) => cid)).size < items.length) {
      throw new ProtocolError('request_invalid', {}, { detail: 'items: a content twice' });
    }
    if ((await findGroup(db, groupId)) === null) throw new ProtocolError('group_unknown', { groupId });
    const members = (await findGroupPeers(db, [groupId])).filter(({ standing }) => standing === 'member');
    const others = members.map(({ peerId }) => peerId).filter((peerId) => peerId !== caller.peer.peerId);
    if (others.length === members.length) throw new ProtocolError('group_not_member', { groupId });
    const held = op === 'put' ? null : await this.itemsAt(db, request);

    const nowMs = this.clock.nowMs();
    const id = uuidV7<TransactionId>(nowMs, randomBytes(10));
    const { tokenLifeMs, longTokenLifeMs } = this.settings.policy;
    const expiresAtMs = nowMs + (items.length > 1 ? longTokenLifeMs : tokenLifeMs);
    const tokens: MemberToken[] = [];
    const offline: PeerId[] = [];
    let parts = 0;
    for (const peerId of others) {
      const positions = held === null ? items.map((_, i) => i) : (held.itemsOf.get(peerId) ?? []);
      if (positions.length === 0) continue;
      const host = this.hosts.find(peerId);
      if (host === undefined) {
        offline.push(peerId);
        continue;
      }
      // A receipt is compared with all parts of its transaction, which are read at once.
      parts += positions.length;
      if (parts > BATCHED_SHARDS_MAX) throw new ProtocolError('request_too_large');
      tokens.push(this.tokenFor(caller, request, { host, positions, id, nowMs, expiresAtMs }));
    }
    const kept = held?.kept ?? [];
    if (tokens.length + kept.length === 0) throw new ProtocolError('not_enough_hosts', { groupId });
    // From here it must succeed, but for the credit: then all of it is rolled back.

    await this.charges.releaseContents(
      db,
      kept.map(({ hostId, cid }) => ({ groupId, hostId, cid })),
      nowMs,
    );
    await deleteGroupContents(db, groupId, kept);
    const transactions = tokens.flatMap(({ begun }) => begun.rows);
    if (op === 'put') for (const { hostId, sizeBytes } of transactions) holds.hold(hostId, sizeBytes);
    await insertTransactions(db, transactions);
    await this.ledger.post(db, reservations(transactions), nowMs);
    return { id, expiresAtMs, tokens, offline };
  }

  private tokenFor(
    caller: Caller,
    { groupId, op, items }: BeginGroupRequest,
    to: { host: OnlineHost; positions: readonly number[]; id: TransactionId; nowMs: number; expiresAtMs: number },
  ): MemberToken {
    const { host, positions, id, nowMs } = to;
    // A token of one item lives shorter than one of several, whatever the others of this transaction have.
    const ownEndMs = Math.min(to.expiresAtMs, nowMs + this.lifeOf(positions.length));
    const rows = positions.map((position, item): NewTransaction => {
      const { cid, sizeBytes } = items[position]!;
      return {
        ...PLAIN,
        charge: op === 'put' ? sizeBytes : 0,
        ...between(caller, host),
        id,
        item,
        op,
        groupId,
        objectId: null,
        shardIndex: null,
        cid,
        sizeBytes,
        issuedAtMs: nowMs,
        expiresAtMs: ownEndMs,
      };
    });
    return {
      begun: { rows, host: this.hosts.addressOf(host, caller.peer.peerId), retainUntilMs: null },
      items: positions,
    };
  }

  private lifeOf(items: number): number {
    const { tokenLifeMs, longTokenLifeMs } = this.settings.policy;
    return items > 1 ? longTokenLifeMs : tokenLifeMs;
  }

  /**
   * Positions of the items that each member has as content of the group. What is deleted but must stay at a member,
   * because others have it there too, is `kept`: it is the group's no longer.
   */
  private async itemsAt(
    db: EntityManager,
    { groupId, op, items }: BeginGroupRequest,
  ): Promise<{ itemsOf: ReadonlyMap<PeerId, number[]>; kept: readonly GroupContent[] }> {
    const positions = new Map(items.map(({ cid, sizeBytes }, i) => [cid, { i, sizeBytes }]));
    const contents = await findGroupContents(db, groupId, [...positions.keys()]);
    const known = contents.filter(({ cid, sizeBytes }) => positions.get(cid)!.sizeBytes === sizeBytes);
    const found = new Set(known.map(({ cid }) => cid));
    if (found.size < items.length) throw new ProtocolError('group_content_unknown', { groupId });
    const elsewhere = op === 'delete' ? await findWantedElsewhere(db, known, groupId) : new Set<string>();
    const kept = known.filter((content) => elsewhere.has(placeKey(content)));
    const itemsOf = new Map<PeerId, number[]>();
    for (const content of known) {
      if (elsewhere.has(placeKey(content))) continue;
      const ofHost = itemsOf.get(content.hostId) ?? [];
      ofHost.push(positions.get(content.cid)!.i);
      itemsOf.set(content.hostId, ofHost);
    }
    for (const ofHost of itemsOf.values()) ofHost.sort((left, right) => left - right);
    return { itemsOf, kept };
  }
}
