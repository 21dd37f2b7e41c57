// One of my machines: what is known of it, how it came to its state, and how it is shut out.
import { useState } from 'preact/hooks';
import { Bytes } from '../shared/bytes.js';
import { Facts } from '../shared/facts.js';
import { Freshness } from '../shared/freshness.js';
import { Link } from '../shared/link.js';
import { Meter } from '../shared/meter.js';
import { DoneNote, Empty, Loading, ProblemNote } from '../shared/notes.js';
import { Page } from '../shared/page.js';
import { Panel } from '../shared/panel.js';
import { PeerStatePill, reasonText, type StateChange } from '../shared/peer-state.js';
import { Table } from '../shared/table.js';
import { Age, Time } from '../shared/time.js';
import { useData } from '../shared/use-data.js';
import type { OwnMachine } from './answers.js';
import { MachineState } from './machines-page.js';
import { RevokeDialog } from './revoke-dialog.js';

export function MachinePage({ peerId }: { readonly peerId: string }) {
  const path = `/v1/console/machines/${encodeURIComponent(peerId)}`;
  const machine = useData<OwnMachine>(path);
  const changes = useData<{ items: readonly StateChange[] }>(`${path}/changes`);
  const [isAsking, setIsAsking] = useState(false);
  const [isRevoked, setIsRevoked] = useState(false);
  const { data, refusal } = machine;
  const revoked = async (): Promise<void> => {
    setIsAsking(false);
    setIsRevoked(true);
    await Promise.all([machine.reload(), changes.reload()]);
  };
  return (
    <Page
      title={data?.name ?? 'Machine'}
      lead={<Link to="/console">All my machines</Link>}
      aside={<Freshness {...machine} />}
    >
      {data === null && refusal !== null && <ProblemNote refusal={refusal} />}
      {data === null && refusal === null && <Loading />}
      {isRevoked && <DoneNote>The machine is revoked. Its tokens are void within seconds.</DoneNote>}
      {data !== null && (
        <>
          <Panel title="What it is">
            <MachineFacts machine={data} />
          </Panel>
          <Panel title="How it came to its state">
            {changes.data === null ? <Loading /> : <Changes changes={changes.data.items} />}
          </Panel>
          {data.state !== 'revoked' && (
            <Panel title="Shut it out">
              <p>
                A lost, sold or stolen machine is revoked: nothing is stored on it or given to it any more. That cannot
                be undone.
              </p>
              <button type="button" class="danger" onClick={() => setIsAsking(true)}>
                Revoke this machine…
              </button>
            </Panel>
          )}
          {isAsking && <RevokeDialog machine={data} onClose={() => setIsAsking(false)} onRevoked={revoked} />}
        </>
      )}
    </Page>
  );
}

function MachineFacts({ machine }: { readonly machine: OwnMachine }) {
  const { peerId, isHost, seenAt, enrolledAt, appendOnly, shareBytes, usedBytes, freeBytes } = machine;
  const share =
    shareBytes === null
      ? []
      : ([['Share', <Meter label="Used of its share" used={usedBytes ?? 0} total={shareBytes} />]] as const);
  const free = freeBytes === null ? [] : ([['Free on its disk', <Bytes of={freeBytes} />]] as const);
  return (
    <Facts
      of={[
        ['State', <MachineState machine={machine} />],
        ['Kind', isHost ? 'stores for others' : 'backs up'],
        ...share,
        ...free,
        ...(isHost ? ([['Last seen', <Age at={seenAt} />]] as const) : []),
        ['Enrolled', <Time at={enrolledAt} />],
        [
          'Certificate',
          <>
            made <Age at={machine.certificateIssuedAt} />, ends <Time at={machine.certificateExpiresAt} />
          </>,
        ],
        [
          'May delete backups',
          <>
            {appendOnly ? 'no' : 'yes'} <a href={`/account/append-only?peer=${peerId}`}>change</a>
          </>,
        ],
        ['Id', <code>{peerId}</code>],
      ]}
    />
  );
}

function Changes({ changes }: { readonly changes: readonly StateChange[] }) {
  if (changes.length === 0) return <Empty title="It is as it was when it was enrolled" />;
  return (
    <Table
      caption="Changes of its state, the newest first"
      rows={changes}
      rowKey={({ at, to }) => `${at} ${to}`}
      columns={[
        { title: 'When', cell: ({ at }) => <Time at={at} /> },
        { title: 'From', cell: ({ from }) => <PeerStatePill state={from} /> },
        { title: 'To', cell: ({ to }) => <PeerStatePill state={to} /> },
        { title: 'Why', isText: true, cell: reasonText },
      ]}
    />
  );
}
