// My machines: each with its state, what it shares, and when it was seen.
import { Bytes } from '../shared/bytes.js';
import { Freshness } from '../shared/freshness.js';
import { Link } from '../shared/link.js';
import { List } from '../shared/list.js';
import { Meter } from '../shared/meter.js';
import { Page } from '../shared/page.js';
import { PeerStatePill, reasonText } from '../shared/peer-state.js';
import { Pill } from '../shared/pill.js';
import { Age } from '../shared/time.js';
import { usePages } from '../shared/use-pages.js';
import type { OwnMachine } from './answers.js';

export function MachinesPage() {
  const list = usePages<OwnMachine>('/v1/console/machines', 5_000);
  return (
    <Page
      title="My machines"
      lead="Every machine of your account: what it is, and how it is."
      aside={
        <>
          <Freshness {...list} />
          <a class="button quiet" href="/enrol">
            Add a machine
          </a>
        </>
      }
    >
      <List
        list={list}
        caption="My machines"
        rowKey={({ peerId }) => peerId}
        empty="No machine yet"
        emptyMore={<a href="/enrol">Add the first one</a>}
        columns={[
          { title: 'Name', cell: ({ peerId, name }) => <Link to={`/console/machines/${peerId}`}>{name}</Link> },
          { title: 'State', cell: (machine) => <MachineState machine={machine} /> },
          { title: 'Kind', cell: ({ isHost }) => (isHost ? 'stores for others' : 'backs up') },
          {
            title: 'Last seen',
            cell: ({ isHost, seenAt }) => (isHost ? <Age at={seenAt} /> : <span class="fine">–</span>),
          },
          {
            title: 'Its share',
            cell: ({ name, shareBytes, usedBytes }) =>
              shareBytes === null ? (
                <span class="fine">–</span>
              ) : (
                <Meter label={`Used of the share of ${name}`} used={usedBytes ?? 0} total={shareBytes} />
              ),
          },
          { title: 'Free', isNumber: true, cell: ({ freeBytes }) => <Bytes of={freeBytes} /> },
          {
            title: 'Certificate',
            cell: ({ certificateExpiresAt }) => (
              <>
                ends <Age at={certificateExpiresAt} />
              </>
            ),
          },
        ]}
      />
    </Page>
  );
}

/** Probation is about hosting; and whether it is there is of interest only while it takes part. */
export function MachineState({ machine }: { readonly machine: OwnMachine }) {
  const { state, stateChange, isHost, isOnline } = machine;
  const takesPart = isHost && state !== 'revoked' && state !== 'suspended' && state !== 'gone';
  const why = stateChange === null ? '' : reasonText(stateChange);
  return (
    <>
      {isHost || state !== 'vetting' ? <PeerStatePill state={state} /> : <Pill tone="quiet">enrolled</Pill>}{' '}
      {takesPart && !isOnline && <Pill tone="warn">not there</Pill>}
      {why !== '' && <span class="why">{why}</span>}
    </>
  );
}
