// The broker as a client of hosts: its own certificate, made anew from half of its life on.
import { Injectable } from '@nestjs/common';
import type { LinkIdentity } from '#peer-link';
import { Clock } from '#process';
import { CERTIFICATE_LIFE_MS } from '#protocol';
import { CertificateAuthority } from '../certificates/certificate-authority.js';

type OwnCertificate = ReturnType<LinkIdentity['own']>;

@Injectable()
export class BrokerIdentity {
  private issued: Promise<OwnCertificate> | null = null;
  private renewAtMs = 0;
  private newest: OwnCertificate | null = null;

  constructor(
    private readonly authority: CertificateAuthority,
    private readonly clock: Clock,
  ) {}

  async present(): Promise<LinkIdentity> {
    const nowMs = this.clock.nowMs();
    if (this.issued === null || nowMs >= this.renewAtMs) {
      this.renewAtMs = nowMs + CERTIFICATE_LIFE_MS / 2;
      this.issued = this.issue(nowMs);
    }
    const own = await this.issued;
    this.newest = own;
    // For whoever keeps it for longer than a question, the newest.
    return { caPem: this.authority.pem, trustDomain: this.authority.trustDomain, own: () => this.newest ?? own };
  }

  private async issue(nowMs: number): Promise<OwnCertificate> {
    const { pem, privateKeyPem } = await this.authority.issueForBroker(null, nowMs);
    return { certificatePem: pem, privateKeyPem };
  }
}
