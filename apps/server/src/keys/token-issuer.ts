// Seals tokens for transactions that are committed, each under its host's current key.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type PeerId, ProtocolError, type Requester, sealToken, type TokenClaims } from '#protocol';
import { BrokerMetrics } from '../metrics/broker-metrics.js';
import { PeerDirectory } from '../peers/peer-directory.js';
import { mayHost } from '../peers/peer-standing.js';
import { Settings } from '../platform/settings.js';
import { TransactionCounts } from './transaction-counts.js';
import { type KnownKey, TransactionKeys } from './transaction-keys.js';

const NONCE_BYTES = 32;

/** What the token of a committed transaction says beside what is the same in every token of a host. */
export type PermittedToken = Omit<TokenClaims, 'trustDomain' | 'notBeforeMs'>;

@Injectable()
export class TokenIssuer {
  constructor(
    private readonly keys: TransactionKeys,
    private readonly counts: TransactionCounts,
    private readonly directory: PeerDirectory,
    private readonly settings: Settings,
    private readonly metrics: BrokerMetrics,
  ) {}

  /** throws peer_unreachable | peer_suspended | peer_revoked when host or client was shut out since the commit */
  async seal(permitted: PermittedToken): Promise<string> {
    const [token] = await this.sealAll([permitted]);
    return token!;
  }

  /** As seal, in the order given; the randomness of all of them is drawn at once. */
  async sealAll(permitted: readonly PermittedToken[]): Promise<string[]> {
    const keys = await Promise.all(permitted.map(({ hostId, clientId }) => this.countBoth(hostId, clientId)));
    const nonces = randomBytes(permitted.length * NONCE_BYTES);
    const tokens = permitted.map((one, i) =>
      this.sealUnder(keys[i]!, one, nonces.subarray(i * NONCE_BYTES, (i + 1) * NONCE_BYTES)),
    );
    for (const { op } of permitted) this.metrics.tokens.inc({ op });
    return tokens;
  }

  /** Is the current key of this peer old enough, or used enough, to be renewed (B5), or does the operator want it? */
  async isRenewalDue(peerId: PeerId, nowMs: number): Promise<boolean> {
    const current = await this.keys.findCurrent(peerId);
    if (current === null) return false;
    const { transactionKeyLifeMs, transactionKeyTokensMax } = this.settings.policy;
    const isUsed = this.counts.of(peerId, current) >= transactionKeyTokensMax;
    return isUsed || current.isRenewalAsked || nowMs - current.createdAtMs >= transactionKeyLifeMs;
  }

  private sealUnder({ key }: KnownKey, permitted: PermittedToken, nonce: Uint8Array): string {
    const { hostId, clientId } = permitted;
    if (clientId !== 'broker') this.directory.checkMayAsk(clientId);
    const host = this.directory.find(hostId);
    if (host === undefined || !mayHost(host.state)) {
      throw new ProtocolError('peer_unreachable', { peerId: hostId });
    }
    const { trustDomain } = this.settings;
    const claims: TokenClaims = { ...permitted, trustDomain, notBeforeMs: permitted.issuedAtMs };
    return sealToken(key, claims, nonce);
  }

  /** A transaction uses the key of its host, which seals its token, and that of its client, which asked and reports. */
  private async countBoth(hostId: PeerId, clientId: Requester): Promise<KnownKey> {
    const host = await this.keys.currentOf(hostId);
    await this.counts.count(hostId, host);
    if (clientId === 'broker') return host;
    const client = await this.keys.findCurrent(clientId);
    if (client !== null) await this.counts.count(clientId, client);
    return host;
  }
}
