// The network at a look: capacity, peers, objects, audits, repairs, refusals, alerts; live, and over time.
import { Bytes } from '../shared/bytes.js';
import { Choice } from '../shared/choice.js';
import { formatBytes, formatCount, formatCounted, formatShare } from '../shared/format.js';
import { Freshness } from '../shared/freshness.js';
import { Link } from '../shared/link.js';
import { Empty, Loading, ProblemNote } from '../shared/notes.js';
import { Page } from '../shared/page.js';
import { Panel } from '../shared/panel.js';
import { PEER_STATES, PeerStatePill } from '../shared/peer-state.js';
import { setQuery } from '../shared/router.js';
import { Stat } from '../shared/stat.js';
import { Table } from '../shared/table.js';
import { Age } from '../shared/time.js';
import { useData } from '../shared/use-data.js';
import { AlertsPanel } from './alerts-panel.js';
import type { Health, Overview, RepairsSummary } from './answers.js';
import { titleOf } from './error-text.js';
import { HealthPill } from './health-pill.js';
import { HistoryPlots, RANGES } from './history-plots.js';
import type { Query } from './shown-page.js';

export function OverviewPage({ query }: { readonly query: Query }) {
  const overview = useData<Overview>('/v1/admin/overview');
  const health = useData<Health>('/v1/admin/health', 15_000);
  const repairs = useData<RepairsSummary>('/v1/admin/repairs/summary', 15_000);
  const range = RANGES.find(([name]) => name === query.range)?.[0] ?? 'day';
  const { data, refusal } = overview;
  return (
    <Page
      title="Overview"
      aside={
        <>
          {health.data !== null && (
            <Link to="/console/health">
              Health <HealthPill state={health.data.state} />
            </Link>
          )}
          <Freshness {...overview} />
        </>
      }
    >
      {data === null && refusal !== null && <ProblemNote refusal={refusal} />}
      {data === null && refusal === null && <Loading />}
      {data !== null && (
        <>
          <Stats overview={data} repairs={repairs.data} />
          <AlertsPanel />
          <div class="columns">
            <Panel title="Peers by state" aside={<Link to="/console/peers">All peers</Link>}>
              <PeersByState overview={data} />
            </Panel>
            <Panel title="Refusals now" aside={<Link to="/console/refusals">All refusals</Link>}>
              <RefusalsNow overview={data} />
            </Panel>
          </div>
          <Panel
            title="Over time"
            aside={
              <Choice
                label="Time shown"
                value={range}
                options={RANGES}
                onChange={(value) => setQuery('range', value)}
              />
            }
          >
            <HistoryPlots range={range} nowMs={Date.parse(data.at)} />
          </Panel>
        </>
      )}
    </Page>
  );
}

function Stats({ overview, repairs }: { readonly overview: Overview; readonly repairs: RepairsSummary | null }) {
  const { donatedBytes, usedBytes, freeBytes, objects, objectsAtRisk, auditsToday } = overview;
  const share = Number(donatedBytes) > 0 ? Number(usedBytes) / Number(donatedBytes) : 0;
  const failed = auditsToday.failed ?? 0;
  const audits = Object.values(auditsToday).reduce((all, count) => all + count, 0);
  return (
    <dl class="stats">
      <Stat
        label="Capacity used"
        value={<Bytes of={usedBytes} />}
        note={`${formatShare(share)} of ${formatBytes(donatedBytes)}; ${formatBytes(freeBytes)} free online`}
        tone={share > 0.9 ? 'bad' : share > 0.75 ? 'warn' : 'good'}
      />
      <Stat
        label="Hosts online"
        value={formatCount(overview.onlineHosts)}
        note={`of ${formatCounted(overview.accounts, 'account')} in all`}
        tone={overview.onlineHosts === 0 ? 'bad' : 'good'}
      />
      <Stat
        label="Objects at risk"
        value={formatCount(objectsAtRisk)}
        note={`of ${formatCount(objects)} lack a shard or more`}
        tone={objectsAtRisk > 0 ? 'warn' : 'good'}
      />
      <Stat
        label="Audits today (UTC)"
        value={formatCount(audits)}
        note={`${formatCount(failed)} failed`}
        tone={failed > 0 ? 'warn' : 'good'}
      />
      {repairs !== null && (
        <Stat
          label="Repairs"
          value={formatCount(repairs.waiting + repairs.running)}
          note={`${formatCount(repairs.waiting)} wait, ${formatCount(repairs.running)} run`}
          tone={repairs.failedLastDay > 0 ? 'bad' : repairs.waiting > 0 ? 'warn' : 'good'}
        />
      )}
    </dl>
  );
}

function PeersByState({ overview: { peers } }: { readonly overview: Overview }) {
  return (
    <Table
      caption="Peers by state"
      rows={PEER_STATES}
      rowKey={(state) => state}
      columns={[
        {
          title: 'State',
          cell: (state) => (
            <Link to={`/console/peers?state=${state}`}>
              <PeerStatePill state={state} />
            </Link>
          ),
        },
        { title: 'Peers', isNumber: true, cell: (state) => formatCount(peers[state]) },
      ]}
    />
  );
}

function RefusalsNow({ overview: { refusals } }: { readonly overview: Overview }) {
  if (refusals.length === 0) return <Empty title="Nothing was refused in this hour or the last" />;
  return (
    <Table
      caption="What was refused in this hour and the last, the most frequent first"
      rows={refusals}
      rowKey={({ code }) => code}
      columns={[
        {
          title: 'Code',
          cell: ({ code }) => (
            <Link to={`/console/refusals?code=${code}`} title={titleOf(code)}>
              <code>{code}</code>
            </Link>
          ),
        },
        { title: 'Times', isNumber: true, cell: ({ count }) => formatCount(count) },
        { title: 'Last', cell: ({ lastAt }) => <Age at={lastAt} /> },
      ]}
    />
  );
}
