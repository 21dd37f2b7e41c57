// What the relay counts of itself, for Prometheus. Labels have few values, all of them words of this program.
import { type Counter, MetricsBook, type Unready } from '#metrics';
import type { PeerHome } from '#peer-home';
import type { Clock } from '#process';
import { CLOCK_SKEW_MS_MAX, type ErrorCode } from '#protocol';
import type { AttachedPeers } from '../attach/attached-peers.js';
import type { Presence } from '../broker-link/presence.js';
import type { LeaseBook } from '../leases/lease-book.js';
import type { Clients } from '../reach/clients.js';
import type { Tunnels } from '../reach/tunnels.js';
import type { Visits } from '../visits/visits.js';

export class RelayMetrics {
  readonly book = new MetricsBook('peerkeep_relay_');
  private readonly refusals: Counter<'code'> = this.book.counter({
    name: 'refusals_total',
    help: 'Peers that were not attached and streams that were not carried, by code.',
    labels: ['code'],
  });

  refused(code: ErrorCode): void {
    this.refusals.inc({ code });
  }
}

export interface Observed {
  readonly peers: AttachedPeers;
  readonly clients: Clients;
  readonly tunnels: Tunnels;
  readonly visits: Visits;
  readonly leases: LeaseBook;
  readonly presence: Presence;
  readonly home: PeerHome;
}

export function observeRelay(
  { book }: RelayMetrics,
  { peers, clients, tunnels, visits, leases, presence, home }: Observed,
): void {
  book.watchProcess();
  book.gauge({ name: 'peers', help: 'Peers that are attached.' }, () => peers.count);
  book.gauge({ name: 'connections', help: 'Connections, by who made them.', labels: ['side'] }, () => ({
    peer: peers.connections,
    client: clients.connections,
  }));
  book.gauge({ name: 'streams', help: 'Streams that are carried.' }, () => tunnels.count);
  book.gauge(
    { name: 'held_bytes', help: 'Bytes of streams and visits that came and are not taken yet.' },
    () => tunnels.heldBytes + visits.heldBytes,
  );
  book.counted(
    { name: 'moved_bytes_total', help: 'Bytes of streams that were handed on.', labels: ['direction'] },
    () => tunnels.movedBytes,
  );
  book.gauge({ name: 'leases', help: 'Leases that it counts for.' }, () => leases.size);
  book.gauge({ name: 'broker_contact_age_seconds', help: 'Since the broker last took notice of it.' }, () => {
    const ageMs = presence.contactAgeMs;
    return ageMs === null ? null : ageMs / 1_000;
  });
  book.gauge(
    { name: 'certificate_expires_timestamp_seconds', help: 'When its certificate ends, Unix time.' },
    () => home.certificate().notAfterMs / 1_000,
  );
}

/** What stands in the way of its work as a relay, the worst first. */
export function unreadyRelay(of: {
  readonly isStopping: boolean;
  readonly home: PeerHome;
  readonly clock: Clock;
  /** Null while the broker has not told the time. */
  readonly brokerNowMs: number | null;
}): Unready[] {
  const { home, clock, brokerNowMs } = of;
  const leftMs = home.certificate().notAfterMs - clock.nowMs();
  const offsetMs = brokerNowMs === null ? 0 : clock.nowMs() - brokerNowMs;
  const hasKeys = home.network.signingKeys('lease').length > 0;
  const found: (Unready | false)[] = [
    of.isStopping && { cause: 'stopping', detail: 'it was told to stop' },
    leftMs <= 0 && { cause: 'certificate_expired', detail: `${Math.floor(-leftMs / 86_400_000)} days ago` },
    Math.abs(offsetMs) > CLOCK_SKEW_MS_MAX && { cause: 'clock_off', detail: `${offsetMs} ms ahead of the broker` },
    !hasKeys && { cause: 'no_signing_keys', detail: 'the broker has not told it how leases are signed' },
  ];
  return found.filter((one) => one !== false);
}
