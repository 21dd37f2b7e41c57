// My credit: what there is of it, how hosting brought it day by day, and what it buys.
import { Bytes } from '../shared/bytes.js';
import { formatBytes } from '../shared/format.js';
import { Freshness } from '../shared/freshness.js';
import { Empty, Loading, ProblemNote } from '../shared/notes.js';
import { Page } from '../shared/page.js';
import { Panel } from '../shared/panel.js';
import { Pill } from '../shared/pill.js';
import { Plot } from '../shared/plot.js';
import { plotDataByGroup } from '../shared/plot-data.js';
import { Stat } from '../shared/stat.js';
import { Table } from '../shared/table.js';
import { useData } from '../shared/use-data.js';
import type { CreditAnswer } from './answers.js';
import { ClassesTable } from './classes-table.js';

export function CreditPage() {
  const credit = useData<CreditAnswer>('/v1/console/credit', 15_000);
  const { data, refusal } = credit;
  return (
    <Page
      title="My credit"
      lead="Space that you lend and that is proved earns space for your own backups."
      aside={<Freshness {...credit} />}
    >
      {data === null && refusal !== null && <ProblemNote refusal={refusal} />}
      {data === null && refusal === null && <Loading />}
      {data !== null && (
        <>
          <Purses answer={data} />
          <Panel title="What it buys">
            <ClassesTable classes={data.classes} />
          </Panel>
          <Panel title="What your machines proved">
            <Proved answer={data} />
          </Panel>
          <Panel title="How it moved">
            <Movements answer={data} />
          </Panel>
        </>
      )}
    </Page>
  );
}

function Purses({ answer: { credit, allowance } }: { readonly answer: CreditAnswer }) {
  return (
    <dl class="stats">
      <Stat label="Available" value={<Bytes of={credit.available} />} note="free to spend" tone="good" />
      <Stat label="Used" value={<Bytes of={credit.used} />} note="for what is stored" />
      <Stat label="Reserved" value={<Bytes of={credit.reserved} />} note="for puts under way" />
      <Stat label="Withheld" value={<Bytes of={credit.withheld} />} note="until new machines have proved themselves" />
      <Stat
        label="Hosting earns"
        value={<Bytes of={allowance.earned} />}
        note={`on average over ${allowance.windowDays} days; ${formatBytes(allowance.granted)} given so far`}
      />
    </dl>
  );
}

function Proved({ answer: { proved } }: { readonly answer: CreditAnswer }) {
  if (proved.length === 0) {
    return (
      <Empty title="Nothing proved yet">
        A machine that stores for others shows, hour by hour, that it still has what it was given. That is counted here.
      </Empty>
    );
  }
  const data = plotDataByGroup(proved, ({ day, name, provedBytes, withheld }) => ({
    day,
    group: withheld ? `${name} (on probation)` : name,
    value: Number(provedBytes),
  }));
  return (
    <Plot
      title="Proved storage by day"
      data={data}
      format={formatBytes}
      isBytes
      isByDay
      isStepped={data.atMs.length > 2}
    />
  );
}

const KINDS: Readonly<Record<string, string>> = {
  grant: 'given at the opening',
  earn: 'earned by hosting',
  withhold: 'earned on probation, withheld',
  vest: 'no longer withheld',
  lapse: 'lapsed, as less is proved',
  forfeit: 'forfeited',
  adjust: 'by the operator',
};

function Movements({ answer: { movements } }: { readonly answer: CreditAnswer }) {
  if (movements.length === 0) return <Empty title="Nothing moved in this time" />;
  return (
    <Table
      caption="Movements of credit by day, the newest first"
      rows={movements}
      rowKey={({ day, kind, reason }) => `${day} ${kind} ${reason}`}
      columns={[
        { title: 'Day (UTC)', cell: ({ day }) => day },
        {
          title: 'What',
          cell: ({ kind }) => (
            <Pill tone={kind === 'lapse' || kind === 'forfeit' ? 'warn' : 'calm'}>{KINDS[kind] ?? kind}</Pill>
          ),
        },
        { title: 'Credit', isNumber: true, cell: ({ amount }) => <Bytes of={amount} /> },
        { title: 'Why', isText: true, cell: ({ reason }) => reason ?? '' },
      ]}
    />
  );
}
