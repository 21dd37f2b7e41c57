// What the broker counts of itself, for Prometheus. Labels have few values, all of them words of this program.
import { type Counter, type Histogram, MetricsBook } from '#metrics';

/** From what a quick answer takes to what a client still waits for. */
const DURATIONS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const GROUP_SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256];

export class BrokerMetrics {
  readonly book = new MetricsBook('peerkeep_broker_');

  readonly requests: Counter<'route' | 'status'> = this.book.counter({
    name: 'requests_total',
    help: 'Requests that were answered, by route and status.',
    labels: ['route', 'status'],
  });
  readonly requestSeconds: Histogram<'route'> = this.book.histogram(
    { name: 'request_duration_seconds', help: 'How long requests took.', labels: ['route'] },
    DURATIONS_SECONDS,
  );
  readonly refusals: Counter<'code'> = this.book.counter({
    name: 'refusals_total',
    help: 'Requests that were refused, by code.',
    labels: ['code'],
  });
  readonly tokens: Counter<'op'> = this.book.counter({
    name: 'tokens_issued_total',
    help: 'Tokens that were sealed, by operation.',
    labels: ['op'],
  });
  readonly ended: Counter<'op' | 'end'> = this.book.counter({
    name: 'transactions_ended_total',
    help: 'Transactions that ended, by operation and end.',
    labels: ['op', 'end'],
  });
  readonly audits: Counter<'outcome'> = this.book.counter({
    name: 'audits_total',
    help: 'Audits of hosts, by outcome.',
    labels: ['outcome'],
  });
  readonly probes: Counter<'outcome'> = this.book.counter({
    name: 'probes_total',
    help: 'Probes of hosts, by outcome.',
    labels: ['outcome'],
  });
  readonly relayedBytes: Counter = this.book.counter({
    name: 'relayed_bytes_total',
    help: 'Bytes that relays carried, as they were booked.',
  });
  readonly dnsQueries: Counter<'outcome'> = this.book.counter({
    name: 'dns_queries_total',
    help: 'DNS queries for names of peers, by what came of them.',
    labels: ['outcome'],
  });
  readonly repairs: Counter<'outcome'> = this.book.counter({
    name: 'repairs_total',
    help: 'Tasks of repair that ended, by outcome.',
    labels: ['outcome'],
  });
  readonly captchas: Counter<'outcome'> = this.book.counter({
    name: 'captchas_total',
    help: 'CAPTCHAs, by what came of them.',
    labels: ['outcome'],
  });
  readonly alerts: Counter<'outcome'> = this.book.counter({
    name: 'alert_posts_total',
    help: 'Alerts posted to the webhook, by outcome.',
    labels: ['outcome'],
  });
  readonly writeWaitSeconds: Histogram = this.book.histogram(
    { name: 'write_wait_seconds', help: 'How long the first unit of a commit waited for the writer.' },
    DURATIONS_SECONDS,
  );
  readonly commitSeconds: Histogram = this.book.histogram(
    { name: 'commit_duration_seconds', help: 'How long a commit and its units took.' },
    DURATIONS_SECONDS,
  );
  readonly commitUnits: Histogram = this.book.histogram(
    { name: 'commit_units', help: 'Units that share a commit.' },
    GROUP_SIZES,
  );

  constructor() {
    this.book.watchProcess();
  }
}
