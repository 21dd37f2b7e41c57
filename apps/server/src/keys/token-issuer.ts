// Seals tokens for transactions that are committed, each under its host's current key.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type ContentId, type PeerId, sealToken, type TokenClaims, type TokenOp, type TransactionId } from '#protocol';
import { Settings } from '../platform/settings.js';
import { TransactionKeys } from './transaction-keys.js';

const NONCE_BYTES = 32;

/** A transaction that is committed, as far as its token tells of it. */
export interface PermittedTransaction {
  readonly id: TransactionId;
  readonly op: TokenOp;
  readonly hostId: PeerId;
  readonly clientId: PeerId;
  readonly cid: ContentId;
  readonly sizeBytes: number;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

@Injectable()
export class TokenIssuer {
  private readonly issued = new Map<PeerId, { kid: string; tokens: number }>();

  constructor(
    private readonly keys: TransactionKeys,
    private readonly settings: Settings,
  ) {}

  async seal(permitted: PermittedTransaction): Promise<string> {
    const { hostId, clientId, id: transactionId, issuedAtMs, expiresAtMs, op, cid, sizeBytes } = permitted;
    const { key } = await this.keys.currentOf(hostId);
    this.count(hostId, key.kid);
    const claims: TokenClaims = {
      trustDomain: this.settings.trustDomain,
      hostId,
      clientId,
      transactionId,
      issuedAtMs,
      notBeforeMs: issuedAtMs,
      expiresAtMs,
      op,
      items: [{ cid, sizeBytes }],
    };
    return sealToken(key, claims, randomBytes(NONCE_BYTES));
  }

  /** Is the host's key old enough, or used enough, to be renewed (B5)? Uses are counted since the broker's start. */
  async isRenewalDue(peerId: PeerId, nowMs: number): Promise<boolean> {
    const { key, createdAtMs } = await this.keys.currentOf(peerId);
    const { transactionKeyLifeMs, transactionKeyTokensMax } = this.settings.policy;
    const count = this.issued.get(peerId);
    const tokens = count?.kid === key.kid ? count.tokens : 0;
    return nowMs - createdAtMs >= transactionKeyLifeMs || tokens >= transactionKeyTokensMax;
  }

  private count(peerId: PeerId, kid: string): void {
    const count = this.issued.get(peerId);
    if (count?.kid === kid) count.tokens++;
    else this.issued.set(peerId, { kid, tokens: 1 });
  }
}
