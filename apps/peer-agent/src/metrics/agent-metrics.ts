// What the host counts of itself, for Prometheus. Labels have few values, all of them words of this program.
import { Injectable } from '@nestjs/common';
import { type Counter, MetricsBook } from '#metrics';

/** How a transfer ended at the host: `cut_off` by the network, `failed` for good. */
export type TransferOutcome = 'done' | 'cut_off' | 'failed';

@Injectable()
export class AgentMetrics {
  readonly book = new MetricsBook('peerkeep_agent_');

  readonly transfers: Counter<'op' | 'outcome'> = this.book.counter({
    name: 'transfers_total',
    help: 'Transfers that ended, by operation and outcome.',
    labels: ['op', 'outcome'],
  });
  readonly received: Counter = this.book.counter({
    name: 'received_bytes_total',
    help: 'Bytes of shards that came in.',
  });
  readonly relayAttachments: Counter<'outcome'> = this.book.counter({
    name: 'relay_attachments_total',
    help: 'Tries to attach this peer to a relay, by outcome.',
    labels: ['outcome'],
  });
  readonly relayLosses: Counter = this.book.counter({
    name: 'relay_losses_total',
    help: 'Relays that it lost while it was attached to them.',
  });
  readonly sent: Counter = this.book.counter({ name: 'sent_bytes_total', help: 'Bytes of shards that went out.' });
}
