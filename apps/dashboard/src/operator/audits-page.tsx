// Audits: what hosts showed day by day, how each of them stands, and which questions are open.
import { pathWith } from '../shared/api.js';
import { formatCount } from '../shared/format.js';
import { Freshness } from '../shared/freshness.js';
import { Id } from '../shared/id.js';
import { List } from '../shared/list.js';
import { Empty, Loading, ProblemNote } from '../shared/notes.js';
import { Page } from '../shared/page.js';
import { Panel } from '../shared/panel.js';
import { Pill } from '../shared/pill.js';
import { Plot } from '../shared/plot.js';
import { plotDataByGroup } from '../shared/plot-data.js';
import { Age } from '../shared/time.js';
import { useData } from '../shared/use-data.js';
import { type PageAnswer, usePages } from '../shared/use-pages.js';
import type { AuditScore } from './answers.js';
import { QueryChoice, QueryField } from './query-field.js';
import type { Query } from './shown-page.js';

interface AuditDay {
  readonly day: string;
  readonly hostId: string;
  readonly outcome: string;
  readonly audits: number;
}

interface PendingAudit {
  readonly hostId: string;
  readonly cid: string;
  readonly block: number;
  readonly unanswered: number;
  readonly begunAt: string;
  readonly containedSince: string | null;
}

const TONES = { ok: 'good', suspicious: 'warn', suspend: 'bad' } as const;

export function AuditsPage({ query }: { readonly query: Query }) {
  const { host, verdict } = query;
  const days = useData<PageAnswer<AuditDay>>(pathWith('/v1/admin/audits/days', { limit: 1_000, host }), 30_000);
  const scores = usePages<AuditScore>(pathWith('/v1/admin/audits/scores', { limit: 100, host, verdict }), 10_000);
  const pending = usePages<PendingAudit>(pathWith('/v1/admin/audits/pending', { limit: 50, host }), 10_000);
  return (
    <Page title="Audits" aside={<Freshness {...scores} />}>
      <search class="filters">
        <QueryField label="Host" name="host" query={query} hint="its whole id" />
        <QueryChoice label="Verdict" name="verdict" query={query} words={['ok', 'suspicious', 'suspend']} />
      </search>
      <Panel title="Outcomes by day">
        {days.data === null && (days.refusal === null ? <Loading /> : <ProblemNote refusal={days.refusal} />)}
        {days.data !== null && days.data.items.length === 0 && <Empty title="No audit yet" />}
        {days.data !== null && days.data.items.length > 0 && (
          <Plot
            title="Audits by outcome"
            format={formatCount}
            isByDay
            data={plotDataByGroup(days.data.items, ({ day, outcome, audits }) => ({
              day,
              group: outcome.replaceAll('_', ' '),
              value: audits,
            }))}
          />
        )}
      </Panel>
      <Panel title="Hosts">
        <List
          list={scores}
          caption="How hosts stand"
          rowKey={({ hostId }) => hostId}
          empty="No host was audited yet"
          columns={[
            { title: 'Host', cell: ({ hostId }) => <Id of={hostId} to={`/console/peers/${hostId}`} /> },
            { title: 'Verdict', cell: ({ verdict }) => <Pill tone={TONES[verdict]}>{verdict}</Pill> },
            { title: 'Passed', isNumber: true, cell: ({ passed }) => formatCount(passed) },
            { title: 'Failed', isNumber: true, cell: ({ failed }) => formatCount(failed) },
            { title: 'Weight passed', isNumber: true, cell: ({ good }) => good.toFixed(1) },
            { title: 'Weight failed', isNumber: true, cell: ({ bad }) => bad.toFixed(2) },
            { title: 'Last passed', cell: ({ passedAt }) => <Age at={passedAt} /> },
            { title: 'Last failed', cell: ({ failedAt }) => <Age at={failedAt} /> },
            { title: 'Next', cell: ({ dueAt }) => <Age at={dueAt} /> },
          ]}
        />
      </Panel>
      <Panel title="Open questions">
        <List
          list={pending}
          caption="Challenges that are not answered yet"
          rowKey={({ hostId }) => hostId}
          empty="No question is open"
          columns={[
            { title: 'Host', cell: ({ hostId }) => <Id of={hostId} to={`/console/peers/${hostId}`} /> },
            { title: 'Content', cell: ({ cid }) => <Id of={cid} /> },
            { title: 'Block', isNumber: true, cell: ({ block }) => formatCount(block) },
            { title: 'Silences', isNumber: true, cell: ({ unanswered }) => formatCount(unanswered) },
            { title: 'Asked', cell: ({ begunAt }) => <Age at={begunAt} /> },
            {
              title: 'Contained',
              cell: ({ containedSince }) => (containedSince === null ? 'no' : <Age at={containedSince} />),
            },
          ]}
        />
      </Panel>
    </Page>
  );
}
