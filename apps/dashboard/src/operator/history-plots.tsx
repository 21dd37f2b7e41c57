// The network over time: capacity, peers, objects that lack shards, audits, credit.
import { formatBytes, formatCount } from '../shared/format.js';
import { Empty, Loading, ProblemNote } from '../shared/notes.js';
import { Plot } from '../shared/plot.js';
import { plotDataOf } from '../shared/plot-data.js';
import { useData } from '../shared/use-data.js';
import type { PageAnswer } from '../shared/use-pages.js';
import type { Sample } from './answers.js';

export const RANGES = [
  ['day', 'the last day'],
  ['week', 'the last 7 days'],
  ['month', 'the last 30 days'],
  ['year', 'the last year'],
] as const;
export type RangeName = (typeof RANGES)[number][0];

const DAY_MS = 86_400_000;
const DAYS: Readonly<Record<RangeName, number>> = { day: 1, week: 7, month: 30, year: 365 };
const SAMPLES_EVERY_MS = 60_000;

interface HistoryParts {
  readonly range: RangeName;
  /** The broker's own time: the reader's clock may be another. */
  readonly nowMs: number;
}

export function HistoryPlots({ range, nowMs }: HistoryParts) {
  const step = range === 'day' || range === 'week' ? 'hour' : 'day';
  // To the hour, so that the address stays the same for a while.
  const from = new Date(Math.floor((nowMs - DAYS[range] * DAY_MS) / 3_600_000) * 3_600_000).toISOString();
  const path = `/v1/admin/history?step=${step}&limit=1000&from=${from}`;
  const { data, refusal } = useData<PageAnswer<Sample>>(path, SAMPLES_EVERY_MS);
  if (data === null) return refusal === null ? <Loading /> : <ProblemNote refusal={refusal} />;
  const samples = data.items;
  if (samples.length === 0) {
    return <Empty title="No sample yet">The broker takes one every hour; the first comes soon after its start.</Empty>;
  }
  const at = (sample: Sample): number => Date.parse(sample.at);
  const isByDay = step === 'day';
  const common = { isByDay };
  return (
    <div class="columns">
      <Plot
        {...common}
        title="Capacity"
        isBytes
        isFilled
        format={formatBytes}
        data={plotDataOf(samples, at, {
          Used: ({ usedBytes }) => Number(usedBytes),
          Shared: ({ donatedBytes }) => Number(donatedBytes),
        })}
      />
      <Plot
        {...common}
        title="Hosts and peers"
        format={formatCount}
        data={plotDataOf(samples, at, {
          'Hosts online': ({ onlineHosts }) => onlineHosts,
          Active: ({ peers }) => peers.active,
          'On probation': ({ peers }) => peers.vetting,
          'Shut out': ({ peers }) => peers.suspended + peers.revoked,
        })}
      />
      <Plot
        {...common}
        title="Objects that lack shards"
        format={formatCount}
        isStepped={samples.length > 2}
        data={plotDataOf(samples, at, {
          'At risk': ({ objectsAtRisk }) => objectsAtRisk,
          'Repairs waiting': ({ repairsWaiting }) => repairsWaiting,
        })}
      />
      <Plot
        {...common}
        title="Audits"
        format={formatCount}
        isStepped={samples.length > 2}
        data={plotDataOf(samples, at, {
          Passed: ({ auditsPassed }) => auditsPassed,
          Failed: ({ auditsFailed }) => auditsFailed,
        })}
      />
      <Plot
        {...common}
        title="Credit"
        isBytes
        format={formatBytes}
        data={plotDataOf(samples, at, {
          'Earned by hosting': ({ creditEarned }) => Number(creditEarned),
          'Paid for what is stored': ({ creditUsed }) => Number(creditUsed),
        })}
      />
      <Plot
        {...common}
        title="Losses of hosts a year"
        isFraction
        format={(value) => value.toFixed(2)}
        data={plotDataOf(samples, at, { 'Per host': ({ lossesPerHostYear }) => lossesPerHostYear })}
      />
    </div>
  );
}
