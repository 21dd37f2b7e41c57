// Every enrolled peer, in memory: who it is, whose, its identity key. Rebuilt from the database at the start.
import { strict as assert } from 'node:assert';
import { createPublicKey } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import {
  type AccountId,
  decodeBase64url,
  es256Verifier,
  type PeerId,
  ProtocolError,
  type StateCode,
  type VerifyBytes,
} from '#protocol';
import { BrokerDatabase } from '../platform/broker-database.js';
import { PeerEntity, type PeerKind, type PeerState } from './peer.entity.js';
import { mayAsk } from './peer-standing.js';

export interface KnownPeer {
  readonly peerId: PeerId;
  readonly accountId: AccountId;
  readonly kind: PeerKind;
  readonly name: string;
  readonly state: PeerState;
  /** Why it is in this state. */
  readonly stateCode: StateCode | null;
  readonly publicKey: string;
  readonly certificateExpiresAtMs: number;
}

/** A change of the state of a peer, as its row tells. */
export type StateChange = Pick<PeerEntity, 'state' | 'stateCode' | 'stateChangedAtMs' | 'stateRevision'> & {
  readonly peerId: PeerId;
};

@Injectable()
export class PeerDirectory implements OnModuleInit {
  private readonly peers = new Map<PeerId, KnownPeer>();
  private readonly verifiers = new Map<PeerId, VerifyBytes>();
  private readonly listeners: ((change: StateChange) => void)[] = [];
  /** Revisions of the states that were ever changed. */
  private readonly revisions = new Map<PeerId, number>();
  private revisionNoticed = 0;

  constructor(private readonly database: BrokerDatabase) {}

  async onModuleInit(): Promise<void> {
    const rows = await this.database.reads.find(PeerEntity);
    for (const row of rows) this.add({ ...row, peerId: row.id });
    const changed = rows.filter(({ stateRevision }) => stateRevision > 0);
    changed.sort((a, b) => a.stateRevision - b.stateRevision);
    for (const row of changed) {
      this.tell({ ...row, peerId: row.id });
      this.noticed(row.stateRevision);
    }
  }

  /**
   * Be told of every change of a state, and at the start of those that stand. Call before the application starts: in a
   * constructor.
   */
  whenStateChanges(listener: (change: StateChange) => void): void {
    this.listeners.push(listener);
  }

  /** Call when the row is committed; returns false for one that is no news. Rows may come in any order. */
  stateChanged(row: PeerEntity): boolean {
    if (row.stateRevision <= (this.revisions.get(row.id) ?? 0)) return false;
    const peer = this.peers.get(row.id);
    if (peer === undefined) this.add({ ...row, peerId: row.id });
    else this.peers.set(row.id, { ...peer, state: row.state, stateCode: row.stateCode });
    this.tell({ ...row, peerId: row.id });
    return true;
  }

  /** Every change up to this one has been taken in. */
  noticed(revision: number): void {
    this.revisionNoticed = Math.max(this.revisionNoticed, revision);
  }

  get noticedRevision(): number {
    return this.revisionNoticed;
  }

  /** throws peer_suspended | peer_revoked; nothing for a peer that is not enrolled */
  checkMayAsk(peerId: PeerId): void {
    const peer = this.peers.get(peerId);
    if (peer === undefined || mayAsk(peer)) return;
    throw new ProtocolError(peer.state === 'revoked' ? 'peer_revoked' : 'peer_suspended');
  }

  /** Call when the peer's row is committed. */
  add(peer: KnownPeer): void {
    const { peerId, accountId, kind, name, publicKey, certificateExpiresAtMs } = peer;
    // Another process may have shut it out before this one came to know it.
    const { state, stateCode } = (this.revisions.has(peerId) ? this.peers.get(peerId) : undefined) ?? peer;
    this.peers.set(peerId, { peerId, accountId, kind, name, state, stateCode, publicKey, certificateExpiresAtMs });
  }

  /** Call when the row says so. Everything else about the peer stays as it is by then, whoever changed it meanwhile. */
  certificateRenewed(peerId: PeerId, certificateExpiresAtMs: number): void {
    const peer = this.peers.get(peerId);
    assert(peer !== undefined, 'only an enrolled peer renews');
    this.peers.set(peerId, { ...peer, certificateExpiresAtMs });
  }

  find(peerId: PeerId): KnownPeer | undefined {
    return this.peers.get(peerId);
  }

  /** Checks what this peer signed with its identity key. */
  verifierOf(peer: KnownPeer): VerifyBytes {
    let verifier = this.verifiers.get(peer.peerId);
    if (verifier === undefined) {
      const key = decodeBase64url(peer.publicKey);
      assert(key !== null, 'the broker encoded it');
      verifier = es256Verifier(createPublicKey({ key: Buffer.from(key), format: 'der', type: 'spki' }));
      this.verifiers.set(peer.peerId, verifier);
    }
    return verifier;
  }

  private tell(change: StateChange): void {
    this.revisions.set(change.peerId, change.stateRevision);
    for (const listener of this.listeners) listener(change);
  }
}
