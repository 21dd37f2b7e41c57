// Keeps the certificate and the transaction key of this host fresh.
import { Injectable } from '@nestjs/common';
import { BrokerClient } from '#broker-api';
import { isRenewalDue, PeerHome } from '#peer-home';
import { ShardListener } from '../serving/shard-listener.js';
import { HostTime } from '../state/host-time.js';

@Injectable()
export class Renewals {
  private servedPem: string;

  constructor(
    private readonly broker: BrokerClient,
    private readonly home: PeerHome,
    private readonly listener: ShardListener,
    private readonly time: HostTime,
  ) {
    this.servedPem = home.certificate().pem;
  }

  /** Renew the certificate when half of its life is over; serve the one of the home, whoever renewed it. */
  async check(signal: AbortSignal): Promise<void> {
    if (isRenewalDue(this.home.certificate().notAfterMs, this.time.nowMs())) await this.renewCertificate(signal);
    this.serveCertificate();
  }

  async renewCertificate(signal: AbortSignal): Promise<void> {
    await this.broker.renewCertificate({ signal });
    this.serveCertificate();
  }

  async renewTransactionKey(signal: AbortSignal): Promise<void> {
    await this.broker.renewTransactionKey({ signal });
  }

  private serveCertificate(): void {
    const { pem } = this.home.certificate();
    if (pem === this.servedPem) return;
    this.listener.useRenewedCertificate();
    this.servedPem = pem;
  }
}
