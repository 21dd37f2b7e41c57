// One token to be sealed when its transaction is committed: its rows, and where its host was when it was chosen. Pure.
import { strict as assert } from 'node:assert';
import { type AccountId, BATCH_ITEMS_MAX, type PeerAddress, type PeerId, type TokenItem, type UnixMs } from '#protocol';
import type { Caller } from '../control/caller.js';
import type { PermittedToken } from '../keys/token-issuer.js';
import type { NewTransaction } from './transaction-rows.js';

export interface BegunToken {
  /** Of one transaction and one host, in the order of the token's items. At least one. */
  readonly rows: readonly NewTransaction[];
  readonly host: PeerAddress;
  readonly retainUntilMs: UnixMs | null;
}

/** Who takes part in a transaction. */
export function between(
  caller: Caller,
  host: { readonly peerId: PeerId; readonly accountId: AccountId },
): Pick<NewTransaction, 'clientId' | 'clientAccountId' | 'hostId' | 'hostAccountId'> {
  const { peerId: clientId, accountId: clientAccountId } = caller.peer;
  return { clientId, clientAccountId, hostId: host.peerId, hostAccountId: host.accountId };
}

/** What the token says of its rows. */
export function permittedBy({ rows, retainUntilMs }: Pick<BegunToken, 'rows' | 'retainUntilMs'>): PermittedToken {
  const [first] = rows;
  assert(first !== undefined && first.clientId !== 'broker');
  const items = rows.flatMap(({ cid, sizeBytes }): TokenItem[] => (cid === null ? [] : [{ cid, sizeBytes }]));
  return {
    transactionId: first.id,
    op: first.op,
    hostId: first.hostId,
    clientId: first.clientId,
    issuedAtMs: first.issuedAtMs,
    expiresAtMs: first.expiresAtMs,
    items,
    ...(first.maxBytes === null ? {} : { maxBytes: first.maxBytes }),
    ...(first.maxUses === null ? {} : { maxUses: first.maxUses }),
    ...(retainUntilMs === null ? {} : { retainUntilMs }),
    ...(first.groupId === null ? {} : { groupId: first.groupId }),
  };
}

/** A shard and the host that it is put on, got from or deleted at. */
export interface Wanted {
  readonly host: PeerAddress;
  readonly cid: string;
  readonly retainUntilMs: UnixMs | null;
}

/**
 * Which shards share a token of a batch: those of one host with one retain time, at most BATCH_ITEMS_MAX, none of them
 * with the content of another.
 */
export function packBatches<T extends Wanted>(wanted: readonly T[]): T[][] {
  const open = new Map<PeerId, { shards: T[]; cids: Set<string>; retainUntilMs: UnixMs | null }[]>();
  for (const shard of wanted) {
    const ofHost = open.get(shard.host.peerId) ?? [];
    open.set(shard.host.peerId, ofHost);
    const fitting = ofHost.find(
      ({ shards, cids, retainUntilMs }) =>
        retainUntilMs === shard.retainUntilMs && shards.length < BATCH_ITEMS_MAX && !cids.has(shard.cid),
    );
    if (fitting === undefined) {
      ofHost.push({ shards: [shard], cids: new Set([shard.cid]), retainUntilMs: shard.retainUntilMs });
    } else {
      fitting.shards.push(shard);
      fitting.cids.add(shard.cid);
    }
  }
  return [...open.values()].flatMap((ofHost) => ofHost.map(({ shards }) => shards));
}
