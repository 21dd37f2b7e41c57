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
  readonly sent: Counter = this.book.counter({ name: 'sent_bytes_total', help: 'Bytes of shards that went out.' });
}
