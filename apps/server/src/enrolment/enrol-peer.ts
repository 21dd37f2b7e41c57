// Makes a machine a peer by an enrolment key, a recovery proof or a person's approval: registers it under an id and a name, certifies its key,
// and sends it a transaction key that was drawn at random (B3), once. TLS is the listener's.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock, Log } from '#process';
import {
  type AccountId,
  decodeBase64url,
  type EnrolAnswer,
  type EnrolmentCredential,
  type EnrolmentPurpose,
  type EnrolRequest,
  encodeBase64url,
  formatTime,
  type PeerId,
  ProtocolError,
  uuidV7,
} from '#protocol';
import { AccountEntity } from '../accounts/account.entity.js';
import { CertificateAuthority } from '../certificates/certificate-authority.js';
import { approveRecovery } from '../escrow/recovery-rights.js';
import { TransactionKeys } from '../keys/transaction-keys.js';
import { Ledger } from '../ledger/ledger.js';
import { PeerNames } from '../names/peer-names.js';
import { appendOnlyOfRecovered } from '../peers/append-only.js';
import { PeerEntity, type PeerKind } from '../peers/peer.entity.js';
import { PeerDirectory } from '../peers/peer-directory.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { isRecoveryProofSound } from './check-recovery-proof.js';
import { useApprovedGrant } from './device-grants.js';
import { useEnrolmentKey } from './enrolment-keys.js';
import { PollDevice } from './poll-device.js';

@Injectable()
export class EnrolPeer {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly settings: Settings,
    private readonly authority: CertificateAuthority,
    private readonly keys: TransactionKeys,
    private readonly ledger: Ledger,
    private readonly directory: PeerDirectory,
    private readonly pollDevice: PollDevice,
    private readonly names: PeerNames,
  ) {}

  /**
   * throws   csr_invalid (also for a key that is enrolled) | enrolment_key_invalid | recovery_proof_invalid, and what
   *          PollDevice refuses with while nobody has approved
   */
  async run(request: EnrolRequest): Promise<EnrolAnswer> {
    const { credential } = request;
    if (credential.kind === 'device-code') await this.pollDevice.run(request, credential.deviceCode);
    const csrDer = decodeBase64url(request.csr);
    if (csrDer === null) throw new ProtocolError('csr_invalid');
    const nowMs = this.clock.nowMs();
    const { publicKey } = await this.authority.checkRequest(csrDer);
    this.checkProof(credential, csrDer, nowMs);
    const peerId = uuidV7<PeerId>(nowMs, randomBytes(10));
    const certificate = await this.authority.issueForPeer(peerId, csrDer, nowMs);

    const { accountId, kind, key } = await this.database.write(async (db) => {
      // One peer per identity key: a request that is sent again, by whomever, enrols nobody.
      if (await db.existsBy(PeerEntity, { publicKey })) throw new ProtocolError('csr_invalid');
      const { accountId, purpose, kind } = await this.accountFor(db, request, nowMs);
      await db.insert(PeerEntity, {
        id: peerId,
        accountId,
        kind,
        name: request.name,
        state: 'vetting',
        publicKey,
        certificateExpiresAtMs: certificate.expiresAtMs,
        createdAtMs: nowMs,
        appendOnlyAtMs: credential.kind === 'recovery-proof' ? await appendOnlyOfRecovered(db, accountId, nowMs) : null,
      });
      if (purpose === 'recovery') await approveRecovery(db, { peerId, accountId, atMs: nowMs });
      if (kind === 'machine') await this.names.claim(db, peerId, request.name);
      return { accountId, kind, key: await this.keys.createFirst(db, peerId, nowMs) };
    });
    const { expiresAtMs: certificateExpiresAtMs, pem } = certificate;
    this.directory.add({
      peerId,
      accountId,
      kind,
      name: request.name,
      state: 'vetting',
      stateCode: null,
      publicKey,
      certificateExpiresAtMs,
    });
    this.log.info({ event: 'peer_enrolled', peerId, accountId, kind, credential: credential.kind });
    return {
      peerId,
      accountId,
      trustDomain: this.settings.trustDomain,
      certificate: pem,
      transactionKey: encodeBase64url(key.bytes),
      time: formatTime(nowMs),
    };
  }

  private checkProof(credential: EnrolmentCredential, csrDer: Uint8Array, nowMs: number): void {
    if (credential.kind !== 'recovery-proof') return;
    const { trustDomain } = this.settings;
    if (!isRecoveryProofSound(credential, { trustDomain, csrDer, nowMs })) {
      throw new ProtocolError('recovery_proof_invalid');
    }
  }

  /** The account to join, what a person let the machine in for (null where no person was asked), and what it is. */
  private async accountFor(
    db: EntityManager,
    request: EnrolRequest,
    nowMs: number,
  ): Promise<{ accountId: AccountId; purpose: EnrolmentPurpose | null; kind: PeerKind }> {
    const { credential } = request;
    if (credential.kind === 'recovery-proof') {
      const account = await db.findOneBy(AccountEntity, { recoveryKey: credential.publicKey });
      if (account === null) throw new ProtocolError('recovery_proof_invalid');
      return { accountId: account.id, purpose: null, kind: 'machine' };
    }
    if (credential.kind === 'device-code') {
      return { ...(await useApprovedGrant(db, request, credential.deviceCode, nowMs)), kind: 'machine' };
    }
    const { accountId, purpose: kind } = await useEnrolmentKey(db, credential.key, nowMs);
    return {
      accountId: accountId ?? (await this.registerAccount(db, { name: request.name, kind, nowMs })),
      purpose: null,
      kind,
    };
  }

  private async registerAccount(
    db: EntityManager,
    { name, kind, nowMs }: { readonly name: string; readonly kind: PeerKind; readonly nowMs: number },
  ): Promise<AccountId> {
    const id = uuidV7<AccountId>(nowMs, randomBytes(10));
    await db.insert(AccountEntity, { id, name, recoveryKey: null, createdAtMs: nowMs });
    // A relay stores nothing: it has what it earns.
    const amount = kind === 'relay' ? 0n : BigInt(this.settings.policy.openingCreditBytes);
    await this.ledger.openAccount(db, id, { amount, atMs: nowMs });
    return id;
  }
}
