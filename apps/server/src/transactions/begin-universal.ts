// Begins universal transactions (B13): tokens for any puts, gets and streams at some hosts. The broker learns what they
// were used for by the reports alone, so it sets the whole of what they may move aside at once.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '#process';
import {
  type BeginUniversalAnswer,
  type BeginUniversalRequest,
  formatTime,
  ProtocolError,
  type TransactionId,
  type UniversalPermission,
  uuidV7,
} from '#protocol';
import type { Caller } from '../control/caller.js';
import { TokenIssuer } from '../keys/token-issuer.js';
import { Ledger } from '../ledger/ledger.js';
import { UniversalOffer } from '../load/universal-offer.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { placeShards } from '../placement/place-shards.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { type BegunToken, between, permittedBy } from './begun-token.js';
import { reservations } from './movements.js';
import { insertTransactions, PLAIN } from './transaction-rows.js';

@Injectable()
export class BeginUniversal {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly settings: Settings,
    private readonly hosts: OnlineHosts,
    private readonly ledger: Ledger,
    private readonly tokens: TokenIssuer,
    private readonly offer: UniversalOffer,
  ) {}

  /**
   * At most `hosts` permissions, fewer where fewer hosts are there. Space is not promised: a host that is full says so
   * itself.
   *
   * throws   universal_not_offered | not_enough_hosts | credit_exceeded
   */
  async run(caller: Caller, request: BeginUniversalRequest): Promise<BeginUniversalAnswer> {
    if (!this.offer.isMade) throw new ProtocolError('universal_not_offered');
    const tokens = this.tokensFor(caller, request);
    if (tokens.length === 0) throw new ProtocolError('not_enough_hosts');
    const transactions = tokens.flatMap(({ rows }) => rows);
    await this.database.write(async (db) => {
      await insertTransactions(db, transactions);
      await this.ledger.post(db, reservations(transactions), this.clock.nowMs());
    });
    return { permissions: await Promise.all(tokens.map((token) => this.permit(token))) };
  }

  /** The hosts are chosen as for the shards of one object of that size. */
  private tokensFor(caller: Caller, { hosts, maxBytes, uses, avoid }: BeginUniversalRequest): BegunToken[] {
    const nowMs = this.clock.nowMs();
    const shards = Array.from({ length: hosts }, (_, index) => ({ index, sizeBytes: maxBytes }));
    const { vettingShare } = this.settings.policy.placement;
    const request = { client: caller.peer, shards, holders: [], avoid, vettingShare };
    const { placed } = placeShards(request, this.hosts.candidates(), Math.random);
    return placed.flatMap(({ peerId }): BegunToken[] => {
      const host = this.hosts.find(peerId);
      if (host === undefined) return [];
      const row = {
        ...PLAIN,
        id: uuidV7<TransactionId>(nowMs, randomBytes(10)),
        op: 'universal' as const,
        ...between(caller, host),
        objectId: null,
        shardIndex: null,
        cid: null,
        sizeBytes: 0,
        charge: maxBytes,
        maxBytes,
        maxUses: uses,
        issuedAtMs: nowMs,
        expiresAtMs: nowMs + this.settings.policy.universalTokenLifeMs,
      };
      return [{ rows: [row], host: this.hosts.addressOf(host, caller.peer.peerId), retainUntilMs: null }];
    });
  }

  private async permit(begun: BegunToken): Promise<UniversalPermission> {
    const row = begun.rows[0]!;
    return {
      transactionId: row.id,
      token: await this.tokens.seal(permittedBy(begun)),
      host: begun.host,
      maxBytes: row.maxBytes!,
      uses: row.maxUses!,
      expiresAt: formatTime(row.expiresAtMs),
    };
  }
}
