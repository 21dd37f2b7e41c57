// Every enrolled peer, in memory: who it is, whose, its identity key. Rebuilt from the database at the start.
import { strict as assert } from 'node:assert';
import { createPublicKey } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type AccountId, decodeBase64url, es256Verifier, type PeerId, type VerifyBytes } from '#protocol';
import { BrokerDatabase } from '../platform/broker-database.js';
import { PeerEntity, type PeerState } from './peer.entity.js';

export interface KnownPeer {
  readonly peerId: PeerId;
  readonly accountId: AccountId;
  readonly name: string;
  readonly state: PeerState;
  readonly publicKey: string;
  readonly certificateExpiresAtMs: number;
}

@Injectable()
export class PeerDirectory implements OnModuleInit {
  private readonly peers = new Map<PeerId, KnownPeer>();
  private readonly verifiers = new Map<PeerId, VerifyBytes>();

  constructor(private readonly database: BrokerDatabase) {}

  async onModuleInit(): Promise<void> {
    for (const row of await this.database.reads.find(PeerEntity)) this.add({ ...row, peerId: row.id });
  }

  /** Call when the peer's row is committed. */
  add(peer: KnownPeer): void {
    const { peerId, accountId, name, state, publicKey, certificateExpiresAtMs } = peer;
    this.peers.set(peerId, { peerId, accountId, name, state, publicKey, certificateExpiresAtMs });
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
}
