// Relays: who carries for peers that nobody can connect to, how full each is, and which of them takes no new ones.
import { useState } from 'preact/hooks';
import { change, pathWith } from '../shared/api.js';
import { Bytes } from '../shared/bytes.js';
import { formatBytes, formatCount } from '../shared/format.js';
import { Freshness } from '../shared/freshness.js';
import { Id } from '../shared/id.js';
import { List } from '../shared/list.js';
import { Page } from '../shared/page.js';
import { Pill } from '../shared/pill.js';
import { Age } from '../shared/time.js';
import { usePages } from '../shared/use-pages.js';
import { ReasonDialog } from './reason-dialog.js';
import { useMay } from './role.js';

interface Relay {
  readonly relayId: string;
  readonly name: string;
  readonly state: string;
  readonly isOnline: boolean;
  readonly isEnding: boolean;
  readonly drainedAt: string | null;
  readonly drainReason: string | null;
  readonly address: string;
  readonly port: number;
  readonly region: string | null;
  readonly peers: number;
  readonly peersMax: number;
  readonly hosts: number;
  readonly bytesPerSecond: number;
  readonly carriedBytes: string;
  readonly seenAt: string;
}

export function RelaysPage() {
  const list = usePages<Relay>(pathWith('/v1/admin/relays', { limit: 100 }), 10_000);
  const [changing, setChanging] = useState<Relay | null>(null);
  const mayChange = useMay('support');
  const setDrained = async (reason: string): Promise<void> => {
    if (changing === null) return;
    const verb = changing.drainedAt === null ? 'drain' : 'undrain';
    await change('POST', `/v1/admin/relays/${changing.relayId}/${verb}`, { reason });
    setChanging(null);
    await list.reload();
  };
  return (
    <Page title="Relays" aside={<Freshness {...list} />}>
      <List
        list={list}
        caption="Relays in the order in which they were enrolled"
        rowKey={({ relayId }) => relayId}
        empty="No relay"
        columns={[
          { title: 'Name', cell: ({ name }) => name },
          { title: 'Relay', cell: ({ relayId }) => <Id of={relayId} to={`/console/peers/${relayId}`} /> },
          { title: 'State', cell: (relay) => <RelayState of={relay} /> },
          { title: 'Region', cell: ({ region }) => region ?? <span class="fine">–</span> },
          {
            title: 'Address',
            cell: ({ address, port }) => `${address.includes(':') ? `[${address}]` : address}:${port}`,
          },
          { title: 'Peers', cell: ({ peers, peersMax }) => `${formatCount(peers)} of ${formatCount(peersMax)}` },
          { title: 'Hosts', isNumber: true, cell: ({ hosts }) => formatCount(hosts) },
          { title: 'Carries', isNumber: true, cell: ({ bytesPerSecond }) => `${formatBytes(bytesPerSecond)}/s` },
          { title: 'Carried', isNumber: true, cell: ({ carriedBytes }) => <Bytes of={carriedBytes} /> },
          { title: 'Seen', cell: ({ seenAt }) => <Age at={seenAt} /> },
          {
            title: 'Action',
            cell: (relay) =>
              mayChange && (
                <button type="button" onClick={() => setChanging(relay)}>
                  {relay.drainedAt === null ? 'Drain…' : 'Take back…'}
                </button>
              ),
          },
        ]}
      />
      {changing !== null && (
        <ReasonDialog
          title={changing.drainedAt === null ? 'Drain this relay' : 'Give this relay new peers again'}
          verb={changing.drainedAt === null ? 'Drain' : 'Take back'}
          onClose={() => setChanging(null)}
          onDo={setDrained}
        >
          <p>
            {changing.drainedAt === null
              ? 'It gets no new peers. Those that it has go elsewhere when their leases end.'
              : 'It gets peers as other relays do.'}
          </p>
        </ReasonDialog>
      )}
    </Page>
  );
}

function RelayState({ of: relay }: { readonly of: Relay }) {
  if (relay.state === 'suspended' || relay.state === 'revoked') return <Pill tone="bad">{relay.state}</Pill>;
  if (!relay.isOnline) return <Pill tone="bad">silent</Pill>;
  if (relay.isEnding) return <Pill tone="warn">stopping</Pill>;
  if (relay.drainedAt !== null) {
    return (
      <span title={relay.drainReason ?? ''}>
        <Pill tone="warn">drained</Pill>
      </span>
    );
  }
  return <Pill tone="good">there</Pill>;
}
