// The ledger: balances, entries, what moved by day; adjustments, and whether the books are sound.
import { useState } from 'preact/hooks';
import { pathWith } from '../shared/api.js';
import { Bytes } from '../shared/bytes.js';
import { formatBytes } from '../shared/format.js';
import { Freshness } from '../shared/freshness.js';
import { Id } from '../shared/id.js';
import { List } from '../shared/list.js';
import { DoneNote, Empty } from '../shared/notes.js';
import { Page } from '../shared/page.js';
import { Panel } from '../shared/panel.js';
import { Plot } from '../shared/plot.js';
import { plotDataByGroup } from '../shared/plot-data.js';
import { Time } from '../shared/time.js';
import { useData } from '../shared/use-data.js';
import { type PageAnswer, usePages } from '../shared/use-pages.js';
import { AdjustDialog } from './adjust-dialog.js';
import type { LedgerEntry } from './answers.js';
import { QueryChoice, QueryField } from './query-field.js';
import { useMay } from './role.js';
import type { Query } from './shown-page.js';
import { VerifyLedger } from './verify-ledger.js';

interface Balance {
  readonly ledgerAccount: string;
  readonly balance: string;
}

interface LedgerDay {
  readonly day: string;
  readonly kind: string;
  readonly amount: string;
}

/** What makes accounts richer or poorer; not what only moves between purses of one. */
const DRAWN = ['earn', 'lapse', 'settle', 'release', 'adjust', 'vest'];

const PURSES = ['available', 'reserved', 'used', 'withheld'];
const KINDS = [
  'grant',
  'reserve',
  'settle',
  'void',
  'release',
  'earn',
  'withhold',
  'vest',
  'lapse',
  'forfeit',
  'adjust',
];

export function LedgerPage({ query }: { readonly query: Query }) {
  const { account, purse, kind } = query;
  const balances = usePages<Balance>(pathWith('/v1/admin/ledger/balances', { limit: 50, account, purse }));
  const entries = usePages<LedgerEntry>(pathWith('/v1/admin/ledger/entries', { limit: 100, account, kind }), 10_000);
  const days = useData<PageAnswer<LedgerDay>>(pathWith('/v1/admin/ledger/days', { limit: 1_000, kind }), 60_000);
  const [isAdjusting, setIsAdjusting] = useState(false);
  const [done, setDone] = useState<string | null>(null);
  const mayAdjust = useMay('operator');
  const moved = (days.data?.items ?? []).filter(
    (row) => row.kind === kind || (kind === undefined && DRAWN.includes(row.kind)),
  );
  const adjusted = async (said: string): Promise<void> => {
    setIsAdjusting(false);
    setDone(said);
    await Promise.all([balances.reload(), entries.reload()]);
  };
  return (
    <Page
      title="Ledger"
      lead="Credit is bytes of proved storage, in double entry."
      aside={
        <>
          <Freshness {...entries} />
          {mayAdjust && (
            <button type="button" class="quiet" onClick={() => setIsAdjusting(true)}>
              Adjust…
            </button>
          )}
        </>
      }
    >
      {done !== null && <DoneNote>{done}</DoneNote>}
      <search class="filters">
        <QueryField label="Account" name="account" query={query} hint="its whole id" />
        <QueryChoice label="Purse" name="purse" query={query} words={PURSES} />
        <QueryChoice label="Kind of entry" name="kind" query={query} words={KINDS} />
      </search>
      <Panel title="What moved by day" aside={<VerifyLedger />}>
        {moved.length > 0 ? (
          <Plot
            title={kind === undefined ? 'Credit earned and spent by day' : `Credit by day: ${kind}`}
            format={formatBytes}
            isBytes
            isByDay
            data={plotDataByGroup(moved, (row) => ({ day: row.day, group: row.kind, value: Number(row.amount) }))}
          />
        ) : (
          <Empty title="Nothing moved yet" />
        )}
        <p class="fine">A kind of entry that is not drawn here is drawn when it is chosen above.</p>
      </Panel>
      <Panel title="Balances">
        <List
          list={balances}
          caption="Balances by purse and account"
          rowKey={({ ledgerAccount }) => ledgerAccount}
          empty="No such purse"
          columns={[
            { title: 'Purse', cell: ({ ledgerAccount }) => ledgerAccount.split(':')[0] },
            { title: 'Account', cell: ({ ledgerAccount }) => <Owner of={ledgerAccount} /> },
            { title: 'Balance', isNumber: true, cell: ({ balance }) => <Bytes of={balance} /> },
          ]}
        />
      </Panel>
      <Panel
        title="Entries"
        aside={
          <a class="button quiet" href={pathWith('/v1/admin/ledger/entries.csv', { account, kind })} download>
            As CSV
          </a>
        }
      >
        <List
          list={entries}
          caption="Entries, the newest first"
          rowKey={({ seq }) => `${seq}`}
          empty="No such entry"
          columns={[
            { title: 'No.', isNumber: true, cell: ({ seq }) => seq },
            { title: 'When', cell: ({ at }) => <Time at={at} /> },
            { title: 'Kind', cell: ({ kind }) => kind },
            { title: 'Amount', isNumber: true, cell: ({ amount }) => <Bytes of={amount} /> },
            { title: 'From', cell: ({ debit }) => <PurseName of={debit} /> },
            { title: 'To', cell: ({ credit }) => <PurseName of={credit} /> },
            { title: 'Reason', isText: true, cell: ({ reason }) => reason ?? '' },
          ]}
        />
      </Panel>
      {isAdjusting && (
        <AdjustDialog account={account ?? ''} onClose={() => setIsAdjusting(false)} onAdjusted={adjusted} />
      )}
    </Page>
  );
}

/** `available:0199…` belongs to an account; `issuance` is what is in the world, negated. */
function Owner({ of }: { readonly of: string }) {
  const [, account] = of.split(':');
  return account === undefined ? (
    <span class="fine">the world</span>
  ) : (
    <Id of={account} to={`/console/accounts/${account}`} />
  );
}

function PurseName({ of }: { readonly of: string }) {
  const [purse, account] = of.split(':');
  return account === undefined ? (
    <span>{purse}</span>
  ) : (
    <span>
      {purse} <Id of={account} to={`/console/accounts/${account}`} />
    </span>
  );
}
