// Books what a relay carried: as much as the leases allowed that the broker gave out for it, each byte once (F2).
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock, Log } from '#process';
import {
  type AccountId,
  decodeLease,
  isRefusal,
  type LeaseClaims,
  type LeaseId,
  type RelayUsageAnswer,
  type RelayUsageRequest,
  type SigningKey,
} from '#protocol';
import type { Caller } from '../control/caller.js';
import { Ledger } from '../ledger/ledger.js';
import { LEASES_READ_AT_ONCE_MAX, RELAY_USAGE_KEPT_MS } from '../limits.js';
import { BrokerMetrics } from '../metrics/broker-metrics.js';
import { PeerDirectory } from '../peers/peer-directory.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { SigningKeys } from '../signing/signing-keys.js';
import { type Carriage, decideCarriage } from './decide-carriage.js';
import { addCarried, bookUsage, findBooked, forgetUsage, type LeaseUsage } from './usage-rows.js';

@Injectable()
export class RecordRelayUsage {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly settings: Settings,
    private readonly signing: SigningKeys,
    private readonly directory: PeerDirectory,
    private readonly ledger: Ledger,
    private readonly metrics: BrokerMetrics,
  ) {}

  /** Totals are told, so what is told again, or late, changes nothing. */
  async run(caller: Caller, { items }: RelayUsageRequest): Promise<RelayUsageAnswer> {
    const { peerId: relayId } = caller.peer;
    const refused = new Set<LeaseId>();
    const told = new Map<LeaseId, LeaseUsage>();
    // Of one call the same objects: each key is parsed once for all items.
    const keys = this.signing.told();
    let taken = 0;
    for (const [i, { lease, bytes }] of items.entries()) {
      // Each signature takes a while: others have their turn between them.
      if (i % LEASES_READ_AT_ONCE_MAX === LEASES_READ_AT_ONCE_MAX - 1) await nextTurn();
      const claims = readLease(lease, keys);
      if (claims === null) continue;
      if (!this.isItsOwn(claims, caller)) {
        refused.add(claims.leaseId);
        continue;
      }
      taken++;
      const known = told.get(claims.leaseId)?.bytes ?? 0;
      told.set(claims.leaseId, { claims, bytes: Math.max(known, Math.min(bytes, claims.bytesMax)) });
    }
    if (taken < items.length) {
      this.log.warn({ event: 'relay_usage_refused', relayId, items: items.length, taken });
    }
    const carried = told.size === 0 ? 0 : await this.database.write((db) => this.book(db, caller, [...told.values()]));
    this.metrics.relayedBytes.inc(carried);
    return { taken, refused: [...refused] };
  }

  /** Leases that ended long ago are not told of any more: their rows go. */
  async forgetOld(): Promise<void> {
    await this.database.write((db) => forgetUsage(db, this.clock.nowMs() - RELAY_USAGE_KEPT_MS));
  }

  /** Under a serve lease only visitors are carried: others show a lease of their own, under which that counts. */
  private isItsOwn({ trustDomain, relayId, kind, web, expiresAtMs }: LeaseClaims, { peer }: Caller): boolean {
    if (trustDomain !== this.settings.trustDomain || relayId !== peer.peerId) return false;
    if (kind === 'serve' && !web) return false;
    return expiresAtMs >= this.clock.nowMs() - RELAY_USAGE_KEPT_MS;
  }

  /** Returns how many bytes are new. */
  private async book(db: EntityManager, { peer }: Caller, told: readonly LeaseUsage[]): Promise<number> {
    const booked = await findBooked(
      db,
      told.map(({ claims }) => claims.leaseId),
    );
    const bookedOf = ({ claims }: LeaseUsage): number => booked.get(claims.leaseId) ?? 0;
    const risen = told.filter((usage) => usage.bytes > bookedOf(usage));
    const carried = risen.reduce((sum, usage) => sum + usage.bytes - bookedOf(usage), 0);
    await bookUsage(db, peer.peerId, risen);
    if (carried > 0) await addCarried(db, peer.peerId, carried);
    const { bytePrice } = this.settings.policy.relay;
    if (bytePrice > 0) {
      const carriages = risen.flatMap((usage): Carriage[] => {
        const payer = this.payerOf(usage.claims);
        if (payer === null) return [];
        const { leaseId } = usage.claims;
        const bytesBefore = bookedOf(usage);
        return [{ leaseId, payer, relay: peer.accountId, bytesBefore, bytesAfter: usage.bytes }];
      });
      const available = await this.ledger.availableOf(db, [...new Set(carriages.map(({ payer }) => payer))]);
      await this.ledger.post(db, decideCarriage(carriages, { bytePrice, available }), this.clock.nowMs());
    }
    return carried;
  }

  /** Who reaches pays, and a peer for its visitors; the broker's own questions cost nobody anything. */
  private payerOf({ subject }: LeaseClaims): AccountId | null {
    return subject === 'broker' ? null : (this.directory.find(subject)?.accountId ?? null);
  }
}

/** Null for what is no lease of this broker. */
function readLease(text: string, keys: readonly SigningKey[]): LeaseClaims | null {
  try {
    return decodeLease(text, keys);
  } catch (error) {
    if (isRefusal(error, 'lease_invalid')) return null;
    throw error;
  }
}
