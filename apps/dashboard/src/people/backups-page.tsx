// My backups, machine by machine: what the broker can know, which is never the name of a file.
import { Bytes } from '../shared/bytes.js';
import { formatBytes, formatCount, formatCounted } from '../shared/format.js';
import { Freshness } from '../shared/freshness.js';
import { Link } from '../shared/link.js';
import { Empty, Loading, ProblemNote } from '../shared/notes.js';
import { Page } from '../shared/page.js';
import { Panel } from '../shared/panel.js';
import { Pill } from '../shared/pill.js';
import { Stat } from '../shared/stat.js';
import { Table } from '../shared/table.js';
import { Age } from '../shared/time.js';
import { useData } from '../shared/use-data.js';
import type { CreditAnswer, ListHostsAnswer, MachineBackups } from './answers.js';
import { ClassesTable } from './classes-table.js';

export function BackupsPage() {
  const backups = useData<{ items: readonly MachineBackups[] }>('/v1/console/backups');
  const hosts = useData<ListHostsAnswer>('/v1/console/hosts?limit=1', 60_000);
  const credit = useData<CreditAnswer>('/v1/console/credit', 60_000);
  const items = backups.data?.items ?? null;
  return (
    <Page
      title="My backups"
      lead="Objects as hosts have them. What is in them only your machines can read; the broker sees neither names nor contents."
      aside={<Freshness {...backups} />}
    >
      {backups.refusal !== null && items === null && <ProblemNote refusal={backups.refusal} />}
      {items === null && backups.refusal === null && <Loading />}
      {items !== null && items.length === 0 && (
        <Empty title="No backup yet">
          Run <code>peerkeep backup</code> on one of your machines.
        </Empty>
      )}
      {items !== null && items.length > 0 && (
        <>
          <Sums items={items} hosts={hosts.data} />
          <Panel title="By machine">
            <BackupsTable items={items} />
            <p class="fine">What several machines have in common is counted for the first one that stored it.</p>
          </Panel>
        </>
      )}
      {credit.data !== null && (
        <Panel title="How safe it is">
          <ClassesTable classes={credit.data.classes} />
        </Panel>
      )}
    </Page>
  );
}

function Sums({ items, hosts }: { readonly items: readonly MachineBackups[]; readonly hosts: ListHostsAnswer | null }) {
  const sum = (of: (machine: MachineBackups) => number): number => items.reduce((all, each) => all + of(each), 0);
  const [belowFull, belowSafe] = [sum((each) => each.belowFull), sum((each) => each.belowSafe)];
  return (
    <dl class="stats">
      <Stat label="Stored" value={<Bytes of={sum((each) => Number(each.bytes))} />} note="before it is coded" />
      <Stat
        label="Objects"
        value={formatCount(sum((each) => each.objects))}
        note={`of ${formatCounted(items.length, 'machine')}`}
      />
      {hosts !== null && (
        <Stat
          label="Hosts in use"
          value={formatCount(hosts.total)}
          note={`of ${formatCounted(hosts.operators, 'operator')}`}
        />
      )}
      <Stat
        label="Below full redundancy"
        value={formatCount(belowFull)}
        tone={belowSafe > 0 ? 'bad' : belowFull > 0 ? 'warn' : 'good'}
        note={belowSafe > 0 ? `${formatCount(belowSafe)} not safe yet` : 'all are safe'}
      />
    </dl>
  );
}

function BackupsTable({ items }: { readonly items: readonly MachineBackups[] }) {
  return (
    <Table
      caption="Backups by machine"
      rows={items}
      rowKey={({ peerId }) => peerId ?? ''}
      columns={[
        {
          title: 'Machine',
          cell: ({ peerId, name }) =>
            peerId === null ? (
              <span class="fine">not written down</span>
            ) : (
              <Link to={`/console/machines/${peerId}`}>{name}</Link>
            ),
        },
        { title: 'Last success', cell: ({ lastSnapshotAt }) => <Age at={lastSnapshotAt} /> },
        { title: 'Health', cell: (machine) => <Health machine={machine} /> },
        { title: 'Objects', isNumber: true, cell: ({ objects }) => formatCount(objects) },
        { title: 'Bytes', isNumber: true, cell: ({ bytes }) => <Bytes of={bytes} /> },
        { title: 'Hosts', isNumber: true, cell: ({ hosts }) => formatCount(hosts) },
        { title: 'Below full', isNumber: true, cell: ({ belowFull }) => formatCount(belowFull) },
        {
          title: 'Classes',
          cell: ({ classes }) =>
            classes.map(({ durability, bytes }) => `${durability} ${formatBytes(bytes)}`).join(', '),
        },
      ]}
    />
  );
}

function Health({ machine: { belowFull, belowSafe } }: { readonly machine: MachineBackups }) {
  if (belowSafe > 0) return <Pill tone="bad">{formatCount(belowSafe)} not safe</Pill>;
  if (belowFull > 0) return <Pill tone="warn">safe, not full</Pill>;
  return <Pill tone="good">full</Pill>;
}
