// A relay says that it is there, where, and how much it carries; the broker says what is due.
import { Injectable } from '@nestjs/common';
import { changeOne } from '#database';
import { Clock, Log } from '#process';
import {
  CERTIFICATE_LIFE_MS,
  formatTime,
  ProtocolError,
  type RelayPresenceAnswer,
  type RelayPresenceRequest,
} from '#protocol';
import type { Caller } from '../control/caller.js';
import { TokenIssuer } from '../keys/token-issuer.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { GuardedConnect } from '../platform/guarded-connect.js';
import { Settings } from '../platform/settings.js';
import { OnlineRelays } from './online-relays.js';
import { RelayEntity } from './relay.entity.js';

@Injectable()
export class RecordRelayPresence {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly settings: Settings,
    private readonly guard: GuardedConnect,
    private readonly relays: OnlineRelays,
    private readonly tokens: TokenIssuer,
  ) {}

  /**
   * A relay is a machine of an operator whom another operator trusted with a key for relays, so its address is its own
   * word; only those are taken that the broker itself may connect to, or it could probe no host there.
   *
   * throws   host_address_refused
   */
  async run({ peer }: Caller, request: RelayPresenceRequest): Promise<RelayPresenceAnswer> {
    const { peerId } = peer;
    const { address, port } = request;
    if (!this.guard.allows({ address, port })) throw new ProtocolError('host_address_refused', { address, port });
    const nowMs = this.clock.nowMs();
    const row = await this.database.write(async (db) => {
      await changeOne(db, UPSERT, [
        peerId,
        address,
        port,
        request.webPort,
        request.region ?? null,
        request.program,
        request.peers,
        request.peersMax,
        request.streams,
        request.bytesPerSecond,
        request.isEnding ? 1 : 0,
        nowMs,
      ]);
      return db.findOneByOrFail(RelayEntity, { peerId });
    });
    if (this.relays.find(peerId) === undefined)
      this.log.info({ event: 'relay_online', relayId: peerId, address, port });
    this.relays.seen(row);
    return {
      time: formatTime(nowMs),
      nextPresenceMs: this.settings.policy.relay.presenceIntervalMs,
      renewCertificate: peer.certificateExpiresAtMs - nowMs <= CERTIFICATE_LIFE_MS / 2,
      renewTransactionKey: await this.tokens.isRenewalDue(peerId, nowMs),
      isDrained: row.drainedAtMs !== null,
    };
  }
}

const TOLD = [
  'address',
  'port',
  'web_port',
  'region',
  'program',
  'peers',
  'peers_max',
  'streams',
  'bytes_per_second',
  'is_ending',
  'seen_at_ms',
];
const UPSERT = `INSERT INTO relays (peer_id, ${TOLD.join(', ')})
  VALUES ($1, ${TOLD.map((_, i) => `$${i + 2}`).join(', ')})
  ON CONFLICT (peer_id) DO UPDATE SET ${TOLD.map((column) => `${column} = excluded.${column}`).join(', ')}`;
