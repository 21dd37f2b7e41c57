// A peer asks for its next certificate, over the same identity key: receipts are checked against that key.
import { Injectable } from '@nestjs/common';
import { Clock } from '#process';
import { decodeBase64url, ProtocolError, type RenewCertificateAnswer, type RenewCertificateRequest } from '#protocol';
import type { Caller } from '../control/caller.js';
import { PeerEntity } from '../peers/peer.entity.js';
import { PeerDirectory } from '../peers/peer-directory.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { CertificateAuthority } from './certificate-authority.js';

@Injectable()
export class RenewCertificate {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly authority: CertificateAuthority,
    private readonly directory: PeerDirectory,
  ) {}

  /** throws csr_invalid, also for another key than the one enrolled: another key is another peer | peer_revoked */
  async run({ peer }: Caller, request: RenewCertificateRequest): Promise<RenewCertificateAnswer> {
    const csr = decodeBase64url(request.csr);
    if (csr === null) throw new ProtocolError('csr_invalid');
    const { publicKey } = await this.authority.checkRequest(csr);
    if (publicKey !== peer.publicKey) throw new ProtocolError('csr_invalid');
    const { pem, expiresAtMs } = await this.authority.issueForPeer(peer.peerId, csr, this.clock.nowMs());
    await this.database.write((db) =>
      db.update(PeerEntity, { id: peer.peerId }, { certificateExpiresAtMs: expiresAtMs }),
    );
    if (this.directory.find(peer.peerId)?.state === 'revoked') throw new ProtocolError('peer_revoked');
    this.directory.certificateRenewed(peer.peerId, expiresAtMs);
    return { certificate: pem };
  }
}
