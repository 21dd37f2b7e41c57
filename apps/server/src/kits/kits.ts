// Recovery kits: a machine makes one, sees those of its account, takes one back; hosts hear which are withdrawn.
import { randomBytes } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock, Log } from '#process';
import {
  CLOCK_SKEW_MS_MAX,
  decodeBase64url,
  formatTime,
  type ListKitsAnswer,
  type MakeKitAnswer,
  type MakeKitRequest,
  type PeerId,
  ProtocolError,
  uuidV7,
} from '#protocol';
import { CertificateAuthority } from '../certificates/certificate-authority.js';
import type { Caller } from '../control/caller.js';
import { requireRightToDelete } from '../peers/append-only.js';
import { PeerEntity } from '../peers/peer.entity.js';
import { PeerDirectory } from '../peers/peer-directory.js';
import { mayAsk } from '../peers/peer-standing.js';
import { WithdrawnTokensOfPeers } from '../peers/withdrawn-tokens.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { findKit, findLiveKits, insertKit, type Kit, markWithdrawn } from './kit-rows.js';

@Injectable()
export class Kits implements OnModuleInit {
  /** Those that have not ended, as of the last look at the table. */
  private live: readonly Kit[] = [];

  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly settings: Settings,
    private readonly authority: CertificateAuthority,
    private readonly directory: PeerDirectory,
    withdrawn: WithdrawnTokensOfPeers,
  ) {
    withdrawn.alsoOf((nowMs) =>
      this.live.flatMap((kit) => {
        const atMs = kit.expiresAtMs > nowMs ? this.shutOutAtMs(kit, nowMs) : null;
        return atMs === null ? [] : [{ clientId: kit.kitId, atMs }];
      }),
    );
  }

  onModuleInit(): Promise<void> {
    return this.refresh();
  }

  /** Another process may have made or withdrawn some. */
  async refresh(): Promise<void> {
    this.live = await findLiveKits(this.database.reads, this.clock.nowMs() - 2 * CLOCK_SKEW_MS_MAX, null);
  }

  /**
   * A kit gets an id of its own, a certificate for as long as it is good, and no transaction key: nobody can ask the broker
   * for anything in its name.
   *
   * throws   kits_off | kits_too_many | csr_invalid, also for the key of an enrolled peer
   */
  async make({ peer }: Caller, request: MakeKitRequest): Promise<MakeKitAnswer> {
    const { lifeMs, perAccountMax } = this.settings.policy.recoveryKits;
    if (lifeMs === 0) throw new ProtocolError('kits_off');
    const csr = decodeBase64url(request.csr);
    if (csr === null) throw new ProtocolError('csr_invalid');
    const { publicKey } = await this.authority.checkRequest(csr);
    const nowMs = this.clock.nowMs();
    const kitId = uuidV7<PeerId>(nowMs, randomBytes(10));
    const kit = { kitId, accountId: peer.accountId, madeBy: peer.peerId, madeAtMs: nowMs, expiresAtMs: nowMs + lifeMs };
    // Hosts take its tokens for the skew of two clocks longer, and look at the certificate first.
    const { pem } = await this.authority.issueForPeer(kitId, csr, nowMs, lifeMs + 2 * CLOCK_SKEW_MS_MAX);
    await this.database.write(async (db) => {
      if (await db.existsBy(PeerEntity, { publicKey })) throw new ProtocolError('csr_invalid');
      const live = await findLiveKits(db, nowMs, peer.accountId);
      if (live.length >= perAccountMax) throw new ProtocolError('kits_too_many');
      await insertKit(db, kit);
    });
    await this.refresh();
    this.log.info({ event: 'kit_made', kitId, accountId: peer.accountId, peerId: peer.peerId });
    return { kitId, certificate: pem, expiresAt: formatTime(kit.expiresAtMs) };
  }

  async list({ peer }: Caller): Promise<ListKitsAnswer> {
    const kits = await findLiveKits(this.database.reads, this.clock.nowMs(), peer.accountId);
    return {
      kits: kits.map(({ kitId, madeBy, madeAtMs, expiresAtMs, withdrawnAtMs }) => ({
        kitId,
        madeBy,
        madeAt: formatTime(madeAtMs),
        expiresAt: formatTime(expiresAtMs),
        withdrawnAt: withdrawnAtMs === null ? null : formatTime(withdrawnAtMs),
      })),
    };
  }

  /** Again: as the first time. throws kit_unknown, also for one of another account | peer_append_only */
  async withdraw({ peer }: Caller, kitId: PeerId): Promise<void> {
    const nowMs = this.clock.nowMs();
    await this.database.write(async (db) => {
      await requireRightToDelete(db, peer.peerId);
      const kit = await findKit(db, kitId);
      if (kit === null || kit.accountId !== peer.accountId) throw new ProtocolError('kit_unknown', { kitId });
      await markWithdrawn(db, kitId, nowMs);
    });
    await this.refresh();
    this.log.info({ event: 'kit_withdrawn', kitId, peerId: peer.peerId });
  }

  /**
   * Since when no token is issued for the kit; null while it is good. A machine that is shut out, perhaps because it was
   * stolen, takes the kits that it made with it.
   */
  private shutOutAtMs({ madeBy, withdrawnAtMs }: Kit, nowMs: number): number | null {
    if (withdrawnAtMs !== null) return withdrawnAtMs;
    const maker = this.directory.find(madeBy);
    if (maker !== undefined && mayAsk(maker)) return null;
    // The directory keeps no time of it: such kits are told before others, and left out last.
    return nowMs;
  }
}
