// Repairs: what waits, how long it may wait, and what became of it.
import { pathWith } from '../shared/api.js';
import { Bytes } from '../shared/bytes.js';
import { formatCount, formatSpan } from '../shared/format.js';
import { Freshness } from '../shared/freshness.js';
import { Id } from '../shared/id.js';
import { List } from '../shared/list.js';
import { Page } from '../shared/page.js';
import { Panel } from '../shared/panel.js';
import { Pill } from '../shared/pill.js';
import { Stat } from '../shared/stat.js';
import { Age } from '../shared/time.js';
import { useData } from '../shared/use-data.js';
import { usePages } from '../shared/use-pages.js';
import type { RepairsSummary } from './answers.js';
import { titleOf } from './error-text.js';
import { QueryChoice, QueryField } from './query-field.js';
import type { Query } from './shown-page.js';

interface Repair {
  readonly objectId: string;
  readonly accountId: string;
  readonly state: 'waiting' | 'running';
  readonly sizeBytes: number;
  readonly dataShards: number;
  readonly totalShards: number;
  readonly sound: number;
  readonly away: number;
  readonly missing: number;
  readonly timeToLossMs: number;
  readonly dueSince: string;
  readonly attempts: number;
}

interface RepairTask {
  readonly taskId: string;
  readonly objectId: string;
  readonly accountId: string;
  readonly workerId: string;
  readonly state: 'running' | 'done' | 'partly' | 'failed';
  readonly cause: string | null;
  readonly shards: number;
  readonly repaired: number;
  readonly begunAt: string;
  readonly endedAt: string | null;
}

const TASK_TONES = { running: 'calm', done: 'good', partly: 'warn', failed: 'bad' } as const;

export function RepairsPage({ query }: { readonly query: Query }) {
  const { state, objectId, accountId } = query;
  const of = { objectId, accountId };
  const summary = useData<RepairsSummary>('/v1/admin/repairs/summary');
  const waiting = usePages<Repair>(pathWith('/v1/admin/repairs', { limit: 100, state, ...of }), 10_000);
  const tasks = usePages<RepairTask>(pathWith('/v1/admin/repairs/tasks', { limit: 50, ...of }), 10_000);
  return (
    <Page
      title="Repairs"
      lead="Objects that lack shards, and the machines that rebuild them without being able to read them."
      aside={<Freshness {...waiting} />}
    >
      {summary.data !== null && <Summary of={summary.data} />}
      <search class="filters">
        <QueryChoice label="State" name="state" query={query} words={['waiting', 'running']} />
        <QueryField label="Object" name="objectId" query={query} hint="its whole id" />
        <QueryField label="Account" name="accountId" query={query} hint="its whole id" />
      </search>
      <Panel title="To be repaired">
        <List
          list={waiting}
          caption="Objects that lack shards, the most urgent first"
          rowKey={({ objectId }) => objectId}
          empty="Nothing is to be repaired"
          columns={[
            { title: 'Object', cell: ({ objectId }) => <Id of={objectId} /> },
            {
              title: 'State',
              cell: ({ state }) => <Pill tone={state === 'running' ? 'calm' : 'warn'}>{state}</Pill>,
            },
            { title: 'Account', cell: ({ accountId }) => <Id of={accountId} to={`/console/accounts/${accountId}`} /> },
            { title: 'Size', isNumber: true, cell: ({ sizeBytes }) => <Bytes of={sizeBytes} /> },
            { title: 'Code', cell: ({ dataShards, totalShards }) => `${dataShards} of ${totalShards}` },
            { title: 'Sound', isNumber: true, cell: ({ sound }) => sound },
            { title: 'Away', isNumber: true, cell: ({ away }) => away },
            { title: 'Missing', isNumber: true, cell: ({ missing }) => missing },
            { title: 'Time to loss', cell: ({ timeToLossMs }) => formatSpan(timeToLossMs) },
            { title: 'Waits since', cell: ({ dueSince }) => <Age at={dueSince} /> },
            { title: 'Tries', isNumber: true, cell: ({ attempts }) => attempts },
          ]}
        />
      </Panel>
      <Panel title="Tasks">
        <List
          list={tasks}
          caption="What machines took to repair, the newest first"
          rowKey={({ taskId }) => taskId}
          empty="No machine has taken one yet"
          columns={[
            { title: 'Object', cell: ({ objectId }) => <Id of={objectId} /> },
            { title: 'State', cell: ({ state }) => <Pill tone={TASK_TONES[state]}>{state}</Pill> },
            { title: 'Machine', cell: ({ workerId }) => <Id of={workerId} to={`/console/peers/${workerId}`} /> },
            { title: 'Shards', isNumber: true, cell: ({ shards, repaired }) => `${repaired} of ${shards}` },
            {
              title: 'Cause',
              cell: ({ cause }) => (cause === null ? '' : <code title={titleOf(cause)}>{cause}</code>),
            },
            { title: 'Begun', cell: ({ begunAt }) => <Age at={begunAt} /> },
            { title: 'Ended', cell: ({ endedAt }) => (endedAt === null ? 'under way' : <Age at={endedAt} />) },
          ]}
        />
      </Panel>
    </Page>
  );
}

function Summary({ of }: { readonly of: RepairsSummary }) {
  const { waiting, running, endedLastDay, failedLastDay, oldestWaitingMs, shortestTimeToLossMs } = of;
  return (
    <dl class="stats">
      <Stat
        label="Wait"
        value={formatCount(waiting)}
        note={oldestWaitingMs === null ? 'none' : `the oldest for ${formatSpan(oldestWaitingMs)}`}
        tone={waiting > 0 ? 'warn' : 'good'}
      />
      <Stat label="Run" value={formatCount(running)} />
      <Stat label="Ended in a day" value={formatCount(endedLastDay)} />
      <Stat label="Failed in a day" value={formatCount(failedLastDay)} tone={failedLastDay > 0 ? 'bad' : 'good'} />
      <Stat
        label="Most urgent"
        value={shortestTimeToLossMs === null ? '–' : formatSpan(shortestTimeToLossMs)}
        note="expected time until it is lost"
      />
    </dl>
  );
}
