// Peers: found by state, kind, name, account and network.

import { pathWith } from '../shared/api.js';
import { Freshness } from '../shared/freshness.js';
import { Id } from '../shared/id.js';
import { Link } from '../shared/link.js';
import { List } from '../shared/list.js';
import { Meter } from '../shared/meter.js';
import { Page } from '../shared/page.js';
import { PEER_STATES, PeerStatePill } from '../shared/peer-state.js';
import { Pill } from '../shared/pill.js';
import { Age, Time } from '../shared/time.js';
import { usePages } from '../shared/use-pages.js';
import type { KnownPeer } from './answers.js';
import { QueryChoice, QueryField } from './query-field.js';
import { useMay } from './role.js';
import type { Query } from './shown-page.js';

export function PeersPage({ query }: { readonly query: Query }) {
  const { state, name, account, network, kind } = query;
  const isHost = kind === 'hosts' ? 'true' : kind === 'clients' ? 'false' : undefined;
  const list = usePages<KnownPeer>(
    pathWith('/v1/admin/peers', { limit: 100, state, name, account, network, isHost }),
    10_000,
  );
  const mayFindNetworks = useMay('support');
  return (
    <Page title="Peers" aside={<Freshness {...list} />}>
      <search class="filters">
        <QueryChoice label="State" name="state" query={query} words={PEER_STATES} />
        <QueryChoice label="Kind" name="kind" query={query} words={['hosts', 'clients']} />
        <QueryField label="Name" name="name" query={query} />
        <QueryField label="Account" name="account" query={query} />
        {mayFindNetworks && <QueryField label="Network" name="network" query={query} hint="10.1.2 or 2001:db8:1" />}
      </search>
      <List
        list={list}
        caption="Peers in the order in which they were enrolled"
        rowKey={({ peerId }) => peerId}
        empty="No such peer"
        columns={[
          { title: 'Name', cell: ({ peerId, name }) => <Link to={`/console/peers/${peerId}`}>{name}</Link> },
          {
            title: 'State',
            cell: ({ state, isOnline }) => (
              <>
                <PeerStatePill state={state} /> {isOnline && <Pill tone="good">online</Pill>}
              </>
            ),
          },
          { title: 'Account', cell: ({ accountId }) => <Id of={accountId} to={`/console/accounts/${accountId}`} /> },
          {
            title: 'Share',
            cell: ({ name, shareBytes, usedBytes }) =>
              shareBytes === null ? (
                <span class="fine">–</span>
              ) : (
                <Meter label={`Used of the share of ${name}`} used={usedBytes ?? 0} total={shareBytes} />
              ),
          },
          { title: 'Seen', cell: ({ seenAt }) => <Age at={seenAt} /> },
          { title: 'Enrolled', cell: ({ enrolledAt }) => <Time at={enrolledAt} /> },
          { title: 'Certificate ends', cell: ({ certificateExpiresAt }) => <Age at={certificateExpiresAt} /> },
        ]}
      />
    </Page>
  );
}
