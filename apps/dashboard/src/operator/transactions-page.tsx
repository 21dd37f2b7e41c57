// Transactions: what moves between peers, and what became of it.
import { pathWith } from '../shared/api.js';
import { Bytes } from '../shared/bytes.js';
import { Freshness } from '../shared/freshness.js';
import { Id } from '../shared/id.js';
import { List } from '../shared/list.js';
import { Page } from '../shared/page.js';
import { Pill } from '../shared/pill.js';
import { Time } from '../shared/time.js';
import { usePages } from '../shared/use-pages.js';
import { QueryChoice, QueryField } from './query-field.js';
import type { Query } from './shown-page.js';

interface Transaction {
  readonly transactionId: string;
  readonly hostId: string;
  readonly item: number;
  readonly op: string;
  readonly state: 'issued' | 'unconfirmed' | 'settled' | 'void';
  readonly clientId: string;
  readonly sizeBytes: number;
  readonly issuedAt: string;
  readonly clientOutcome: string | null;
  readonly hostOutcome: string | null;
}

const OPS = ['put', 'get', 'stream', 'delete', 'probe', 'audit', 'batch', 'universal'];
const STATES = ['issued', 'unconfirmed', 'settled', 'void'];
const TONES = { issued: 'calm', unconfirmed: 'warn', settled: 'good', void: 'quiet' } as const;

export function TransactionsPage({ query }: { readonly query: Query }) {
  const { op, state, client, host, account } = query;
  const list = usePages<Transaction>(
    pathWith('/v1/admin/transactions', { limit: 100, op, state, client, host, account }),
    10_000,
  );
  return (
    <Page
      title="Transactions"
      lead="The newest first; those that were settled long ago have been summed up."
      aside={<Freshness {...list} />}
    >
      <search class="filters">
        <QueryChoice label="Operation" name="op" query={query} words={OPS} />
        <QueryChoice label="State" name="state" query={query} words={STATES} />
        <QueryField label="Client" name="client" query={query} hint="its whole id" />
        <QueryField label="Host" name="host" query={query} hint="its whole id" />
        <QueryField label="Account" name="account" query={query} hint="of the client" />
      </search>
      <List
        list={list}
        caption="Transactions, the newest first"
        rowKey={({ transactionId, hostId, item }) => `${transactionId} ${hostId} ${item}`}
        empty="No such transaction"
        columns={[
          { title: 'Transaction', cell: ({ transactionId }) => <Id of={transactionId} /> },
          { title: 'Operation', cell: ({ op }) => op },
          { title: 'State', cell: ({ state }) => <Pill tone={TONES[state]}>{state}</Pill> },
          { title: 'Client', cell: ({ clientId }) => <Id of={clientId} to={`/console/peers/${clientId}`} /> },
          { title: 'Host', cell: ({ hostId }) => <Id of={hostId} to={`/console/peers/${hostId}`} /> },
          { title: 'Size', isNumber: true, cell: ({ sizeBytes }) => <Bytes of={sizeBytes} /> },
          { title: 'Issued', cell: ({ issuedAt }) => <Time at={issuedAt} /> },
          { title: 'Client says', cell: ({ clientOutcome }) => clientOutcome ?? <span class="fine">nothing</span> },
          { title: 'Host says', cell: ({ hostOutcome }) => hostOutcome ?? <span class="fine">nothing</span> },
        ]}
      />
    </Page>
  );
}
