// Keeps the certificate and the transaction key of this relay fresh.
import type { BrokerClient } from '#broker-api';
import { isRenewalDue, type PeerHome } from '#peer-home';

export class Renewals {
  private servedPem: string;

  constructor(
    private readonly broker: BrokerClient,
    private readonly home: PeerHome,
    /** New connections are to see the certificate that the home holds. */
    private readonly serveCertificate: () => void,
  ) {
    this.servedPem = home.certificate().pem;
  }

  /** Renew the certificate when half of its life is over; serve the one of the home, whoever renewed it. */
  async check(signal: AbortSignal): Promise<void> {
    const isDue = isRenewalDue(this.home.certificate().notAfterMs, this.broker.brokerTime.nowMs());
    if (isDue) await this.renewCertificate(signal);
    this.serve();
  }

  async renewCertificate(signal: AbortSignal): Promise<void> {
    await this.broker.renewCertificate({ signal });
    this.serve();
  }

  async renewTransactionKey(signal: AbortSignal): Promise<void> {
    await this.broker.renewTransactionKey({ signal });
  }

  private serve(): void {
    const { pem } = this.home.certificate();
    if (pem === this.servedPem) return;
    this.serveCertificate();
    this.servedPem = pem;
  }
}
