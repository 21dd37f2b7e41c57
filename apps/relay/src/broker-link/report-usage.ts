// Tells the broker what each lease has moved: sums, so that telling twice changes nothing. A crash loses what was not told.
import type { BrokerClient } from '#broker-api';
import type { Log } from '#process';
import { RELAY_USAGE_ITEMS_MAX } from '#protocol';
import type { LeaseBook } from '../leases/lease-book.js';

export class ReportUsage {
  constructor(
    private readonly broker: BrokerClient,
    private readonly leases: LeaseBook,
    private readonly log: Log,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    for (;;) {
      const { items, markTold } = this.leases.untold();
      if (items.length === 0) break;
      const { refused } = await this.broker.routes.relayUsage({ items }, { signal });
      // Told again they would be refused again.
      markTold();
      if (refused.length > 0) this.log.warn({ event: 'usage_refused', leases: refused.length });
      if (items.length < RELAY_USAGE_ITEMS_MAX) break;
    }
    this.leases.forgetEnded();
  }
}
