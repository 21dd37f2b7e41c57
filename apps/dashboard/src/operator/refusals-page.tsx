// Refusals: what peers were denied, why, by whom, and how often; and what a person should do about it.
import { pathWith } from '../shared/api.js';
import { formatCount } from '../shared/format.js';
import { Freshness } from '../shared/freshness.js';
import { Id } from '../shared/id.js';
import { List } from '../shared/list.js';
import { Page } from '../shared/page.js';
import { Panel } from '../shared/panel.js';
import { Plot } from '../shared/plot.js';
import { plotDataOf } from '../shared/plot-data.js';
import { Age, Time } from '../shared/time.js';
import { useData } from '../shared/use-data.js';
import { type PageAnswer, usePages } from '../shared/use-pages.js';
import type { Refusal } from './answers.js';
import { rowOf, titleOf } from './error-text.js';
import { QueryChoice, QueryField } from './query-field.js';
import type { Query } from './shown-page.js';

export function RefusalsPage({ query }: { readonly query: Query }) {
  const { code, client, host, reporter } = query;
  const filters = { code, client, host, reporter };
  const list = usePages<Refusal>(pathWith('/v1/admin/refusals', { limit: 100, ...filters }), 10_000);
  const many = useData<PageAnswer<Refusal>>(pathWith('/v1/admin/refusals', { limit: 1_000, ...filters }), 30_000);
  const hours = sumByHour(many.data?.items ?? []);
  return (
    <Page title="Refusals" lead="Counted by the hour, and by who asked whom for what." aside={<Freshness {...list} />}>
      <search class="filters">
        <QueryField label="Code" name="code" query={query} />
        <QueryChoice label="Refused by" name="reporter" query={query} words={['broker', 'host', 'client']} />
        <QueryField label="Who asked" name="client" query={query} hint="its whole id" />
        <QueryField label="Host" name="host" query={query} hint="its whole id" />
      </search>
      {hours.length > 1 && (
        <Panel title="By hour">
          <Plot
            title="Refusals"
            format={formatCount}
            isFilled
            isStepped={hours.length > 2}
            data={plotDataOf(hours, ({ atMs }) => atMs, { Refused: ({ count }) => count })}
          />
        </Panel>
      )}
      <List
        list={list}
        caption="Refusals, the newest hour first"
        rowKey={(row) => `${row.hour} ${row.hostId} ${row.clientId} ${row.reporter} ${row.op} ${row.code}`}
        empty="Nothing was refused"
        columns={[
          { title: 'Code', cell: ({ code }) => <code>{code}</code> },
          { title: 'Why, and what to do', isText: true, cell: ({ code }) => <Meaning code={code} /> },
          { title: 'Operation', cell: ({ op }) => op ?? <span class="fine">–</span> },
          { title: 'Times', isNumber: true, cell: ({ count }) => formatCount(count) },
          { title: 'Last', cell: ({ lastAt }) => <Age at={lastAt} /> },
          { title: 'Hour', cell: ({ hour }) => <Time at={hour} /> },
          { title: 'By', cell: ({ reporter }) => reporter },
          { title: 'Who asked', cell: ({ clientId }) => <Peer id={clientId} /> },
          { title: 'Host', cell: ({ hostId }) => <Peer id={hostId} /> },
        ]}
      />
    </Page>
  );
}

function Meaning({ code }: { readonly code: string }) {
  return (
    <>
      {titleOf(code)}
      <span class="why">{rowOf(code)?.hint ?? ''}</span>
    </>
  );
}

function Peer({ id }: { readonly id: string | null }) {
  return id === null ? <Id of={null} /> : <Id of={id} to={`/console/peers/${id}`} />;
}

const HOUR_MS = 3_600_000;
/** So many hours are shown at most: the newest. */
const HOURS_MAX = 30 * 24;

/** Every hour from the first to the last, also those in which nothing was refused. */
function sumByHour(refusals: readonly Refusal[]): { readonly atMs: number; readonly count: number }[] {
  const sums = new Map<number, number>();
  for (const { hour, count } of refusals) {
    const atMs = Date.parse(hour);
    sums.set(atMs, (sums.get(atMs) ?? 0) + count);
  }
  if (sums.size === 0) return [];
  const last = Math.max(...sums.keys());
  const first = Math.max(Math.min(...sums.keys()), last - (HOURS_MAX - 1) * HOUR_MS);
  return Array.from({ length: (last - first) / HOUR_MS + 1 }, (_, i) => {
    const atMs = first + i * HOUR_MS;
    return { atMs, count: sums.get(atMs) ?? 0 };
  });
}
