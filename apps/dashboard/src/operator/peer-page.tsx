// One peer: what is known of it, its keys, its audits, its history, and what may be done to it.
import { useState } from 'preact/hooks';
import { Bytes } from '../shared/bytes.js';
import { Facts } from '../shared/facts.js';
import { formatCount, formatCounted } from '../shared/format.js';
import { Freshness } from '../shared/freshness.js';
import { Id } from '../shared/id.js';
import { Link } from '../shared/link.js';
import { List } from '../shared/list.js';
import { Meter } from '../shared/meter.js';
import { DoneNote, Empty, Loading, ProblemNote } from '../shared/notes.js';
import { Page } from '../shared/page.js';
import { Panel } from '../shared/panel.js';
import { PeerStatePill, reasonText, type StateChange } from '../shared/peer-state.js';
import { Pill } from '../shared/pill.js';
import { Table } from '../shared/table.js';
import { Age, Time } from '../shared/time.js';
import { useData } from '../shared/use-data.js';
import { type PageAnswer, usePages } from '../shared/use-pages.js';
import type { AuditScore, PeerFacts } from './answers.js';
import { PeerActions } from './peer-actions.js';

export function PeerPage({ peerId }: { readonly peerId: string }) {
  const path = `/v1/admin/peers/${encodeURIComponent(peerId)}`;
  const peer = useData<PeerFacts>(path);
  const changes = usePages<StateChange & { revision: number }>(`${path}/changes?limit=50`, 10_000);
  const scores = useData<PageAnswer<AuditScore>>(`/v1/admin/audits/scores?host=${encodeURIComponent(peerId)}`, 15_000);
  const [done, setDone] = useState<string | null>(null);
  const { data, refusal } = peer;
  const changed = async (said: string): Promise<void> => {
    setDone(said);
    await Promise.all([peer.reload(), changes.reload()]);
  };
  return (
    <Page
      title={data?.name ?? 'Peer'}
      lead={<Link to="/console/peers">All peers</Link>}
      aside={<Freshness {...peer} />}
    >
      {data === null && refusal !== null && <ProblemNote refusal={refusal} />}
      {data === null && refusal === null && <Loading />}
      {done !== null && <DoneNote>{done}</DoneNote>}
      {data !== null && (
        <>
          <Panel title="What it is">
            <PeerFactsList peer={data} />
            <PeerActions peer={data} onChanged={changed} />
          </Panel>
          <Panel title="History">
            <List
              list={changes}
              caption="Changes of its state, the newest first"
              rowKey={({ revision }) => `${revision}`}
              empty="It is as it was when it was enrolled"
              columns={[
                { title: 'When', cell: ({ at }) => <Time at={at} /> },
                { title: 'From', cell: ({ from }) => <PeerStatePill state={from} /> },
                { title: 'To', cell: ({ to }) => <PeerStatePill state={to} /> },
                { title: 'By', cell: ({ by }) => by },
                { title: 'Why', isText: true, cell: reasonText },
              ]}
            />
          </Panel>
          <div class="columns">
            <Panel title="Audits">
              <Audits scores={scores.data?.items ?? []} />
            </Panel>
            <Panel title="Transaction keys">
              <Keys peer={data} />
            </Panel>
          </div>
          <p>
            <Link to={`/console/transactions?host=${peerId}`}>Transactions as a host</Link>
            {' · '}
            <Link to={`/console/transactions?client=${peerId}`}>as a client</Link>
            {' · '}
            <Link to={`/console/refusals?client=${peerId}`}>What it was refused</Link>
            {' · '}
            <Link to={`/console/log?subject=${encodeURIComponent(`peer/${peerId}`)}`}>The admin log of it</Link>
          </p>
        </>
      )}
    </Page>
  );
}

function PeerFactsList({ peer }: { readonly peer: PeerFacts }) {
  const { peerId, accountId, state, stateChange, isOnline, seenAt, enrolledAt, address, appendOnly } = peer;
  const share =
    peer.shareBytes === null
      ? []
      : ([
          ['Share', <Meter label="Used of its share" used={peer.usedBytes ?? 0} total={peer.shareBytes} />],
          ['Free', <Bytes of={peer.freeBytes} />],
        ] as const);
  return (
    <Facts
      of={[
        [
          'State',
          <>
            <PeerStatePill state={state} /> {isOnline && <Pill tone="good">online</Pill>}
            {stateChange !== null && <span class="why">{reasonText(stateChange)}</span>}
          </>,
        ],
        ['Account', <Id of={accountId} to={`/console/accounts/${accountId}`} />],
        ...share,
        [
          'Stores',
          <>
            {formatCounted(peer.storedShards, 'shard')}, <Bytes of={peer.storedBytes} />
          </>,
        ],
        ['Last seen', <Age at={seenAt} />],
        ['Enrolled', <Time at={enrolledAt} />],
        ['Certificate ends', <Time at={peer.certificateExpiresAt} />],
        ['Address', address ?? <span class="fine">none, or not told to this role</span>],
        ['May delete', appendOnly ? 'no' : 'yes'],
        ['Id', <code>{peerId}</code>],
      ]}
    />
  );
}

function Audits({ scores }: { readonly scores: readonly AuditScore[] }) {
  const [score] = scores;
  if (score === undefined) return <Empty title="It was not audited yet" />;
  const { verdict, passed, failed, passedAt, failedAt, dueAt } = score;
  return (
    <Facts
      of={[
        [
          'Verdict',
          <Pill tone={verdict === 'ok' ? 'good' : verdict === 'suspicious' ? 'warn' : 'bad'}>{verdict}</Pill>,
        ],
        ['Passed', formatCount(passed)],
        ['Failed', formatCount(failed)],
        ['Last passed', <Age at={passedAt} />],
        ['Last failed', <Age at={failedAt} />],
        ['Next', <Age at={dueAt} />],
      ]}
    />
  );
}

function Keys({ peer: { keys } }: { readonly peer: PeerFacts }) {
  if (keys.length === 0) return <Empty title="It has no key" />;
  return (
    <Table
      caption="Transaction keys by their public names"
      rows={keys}
      rowKey={({ kid }) => kid}
      columns={[
        { title: 'Key', cell: ({ kid }) => <Id of={kid} /> },
        {
          title: 'State',
          cell: ({ state, renewalAskedAt }) => (
            <>
              {state} {renewalAskedAt !== null && <Pill tone="warn">renewal asked</Pill>}
            </>
          ),
        },
        { title: 'Made', cell: ({ createdAt }) => <Age at={createdAt} /> },
        { title: 'Transactions', isNumber: true, cell: ({ transactions }) => formatCount(transactions) },
      ]}
    />
  );
}
