// Begins streams: permits the account to read any ranges of an object's shards, up to a number of bytes at each host.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '#process';
import {
  type BeginStreamAnswer,
  type BeginStreamRequest,
  formatTime,
  type StreamPermission,
  type TransactionId,
  uuidV7,
} from '#protocol';
import type { Caller } from '../control/caller.js';
import { TokenIssuer } from '../keys/token-issuer.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { aboutShard, itemOf, toldOf } from './begin-get.js';
import { type BegunToken, between, permittedBy } from './begun-token.js';
import { findHeld, type HeldObject } from './held-shards.js';
import { insertTransactions, PLAIN } from './transaction-rows.js';

@Injectable()
export class BeginStream {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly settings: Settings,
    private readonly hosts: OnlineHosts,
    private readonly tokens: TokenIssuer,
  ) {}

  /** throws object_unknown */
  async run(caller: Caller, request: BeginStreamRequest): Promise<BeginStreamAnswer> {
    const { held, tokens } = await this.database.write(async (db) => {
      const [held] = await findHeld(db, caller, [request], this.hosts);
      const tokens = this.tokensFor(caller, held!, request.maxBytes);
      await insertTransactions(
        db,
        tokens.flatMap(({ rows }) => rows),
      );
      return { held: held!, tokens };
    });
    const permissions = await Promise.all(tokens.map((token) => this.permit(token)));
    return { ...toldOf(held.object), permissions, offline: held.offline };
  }

  private tokensFor(caller: Caller, { there }: HeldObject, maxBytes: number): BegunToken[] {
    const nowMs = this.clock.nowMs();
    return there.map(({ shard, host }) => {
      const row = {
        ...PLAIN,
        ...aboutShard(shard),
        id: uuidV7<TransactionId>(nowMs, randomBytes(10)),
        op: 'stream' as const,
        ...between(caller, host),
        maxBytes,
        issuedAtMs: nowMs,
        expiresAtMs: nowMs + this.settings.policy.longTokenLifeMs,
      };
      return { rows: [row], host: this.hosts.addressOf(host, caller.peer.peerId), retainUntilMs: null };
    });
  }

  private async permit(begun: BegunToken): Promise<StreamPermission> {
    const row = begun.rows[0]!;
    const { objectId: _, ...item } = itemOf(row);
    return {
      ...item,
      transactionId: row.id,
      token: await this.tokens.seal(permittedBy(begun)),
      host: begun.host,
      maxBytes: row.maxBytes!,
      expiresAt: formatTime(row.expiresAtMs),
    };
  }
}
