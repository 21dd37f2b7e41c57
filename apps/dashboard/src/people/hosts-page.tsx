// Hosts in use: who keeps the shards of my backups, and how reliably. Machines of others have no names here.
import { useMemo, useState } from 'preact/hooks';
import { get } from '../shared/api.js';
import { Bytes } from '../shared/bytes.js';
import { formatBytes, formatCount, formatShare } from '../shared/format.js';
import { Freshness } from '../shared/freshness.js';
import { Id } from '../shared/id.js';
import { Link } from '../shared/link.js';
import { Empty, Loading, ProblemNote } from '../shared/notes.js';
import { Page } from '../shared/page.js';
import { PeerStatePill } from '../shared/peer-state.js';
import { Pill } from '../shared/pill.js';
import { Stat } from '../shared/stat.js';
import { Table } from '../shared/table.js';
import { Age } from '../shared/time.js';
import { useData } from '../shared/use-data.js';
import type { ListedHost, ListHostsAnswer } from './answers.js';

const PATH = '/v1/console/hosts?limit=100';

export function HostsPage() {
  const first = useData<ListHostsAnswer>(PATH);
  const [rest, setRest] = useState<readonly ListHostsAnswer[]>([]);
  const pages = first.data === null ? [] : [first.data, ...rest];
  const next = pages.at(-1)?.next ?? null;
  const hosts = useMemo(() => pages.flatMap((page) => page.hosts), [first.data, rest]);
  const more = async (): Promise<void> => {
    const page = await get<ListHostsAnswer>(`${PATH}&after=${next}`);
    setRest((before) => [...before, page]);
  };
  return (
    <Page
      title="Hosts in use"
      lead="Each keeps some shards of your objects; none of them can read one."
      aside={<Freshness {...first} />}
    >
      {first.data === null && first.refusal !== null && <ProblemNote refusal={first.refusal} />}
      {first.data === null && first.refusal === null && <Loading />}
      {first.data !== null && first.data.total === 0 && <Empty title="No host has anything of yours yet" />}
      {first.data !== null && first.data.total > 0 && (
        <>
          <dl class="stats">
            <Stat label="Hosts" value={formatCount(first.data.total)} />
            <Stat
              label="Networks"
              value={formatCount(first.data.networks)}
              note="each at most one shard of an object"
            />
            <Stat label="Operators" value={formatCount(first.data.operators)} note="distinct, in distinct networks" />
          </dl>
          <HostsTable hosts={hosts} more={next === null ? null : more} />
        </>
      )}
    </Page>
  );
}

function HostsTable({
  hosts,
  more,
}: {
  readonly hosts: readonly ListedHost[];
  readonly more: (() => Promise<void>) | null;
}) {
  return (
    <Table
      caption="Hosts that keep my shards"
      rows={hosts}
      more={more}
      rowKey={({ peerId }) => peerId}
      columns={[
        {
          title: 'Host',
          cell: ({ peerId, name }) =>
            name === null ? <Id of={peerId} /> : <Link to={`/console/machines/${peerId}`}>{name}</Link>,
        },
        {
          title: 'State',
          cell: ({ state, online }) => (
            <>
              <PeerStatePill state={state} /> {!online && <Pill tone="warn">not there</Pill>}
            </>
          ),
        },
        { title: 'Last seen', cell: ({ seenAt }) => <Age at={seenAt} /> },
        { title: 'There', isNumber: true, cell: ({ uptime }) => (uptime === null ? '–' : formatShare(uptime)) },
        {
          title: 'Speed',
          isNumber: true,
          cell: ({ bytesPerSecond }) => (bytesPerSecond === null ? '–' : `${formatBytes(bytesPerSecond)}/s`),
        },
        { title: 'Shards', isNumber: true, cell: ({ shards }) => formatCount(shards) },
        { title: 'Bytes', isNumber: true, cell: ({ bytes }) => <Bytes of={bytes} /> },
      ]}
    />
  );
}
