// What is told of the running broker at the moment Prometheus asks: hosts, space, queues, keys, ledger, mail.
import type { INestApplicationContext } from '@nestjs/common';
import type { PeerState } from '#protocol';
import { CertificateAuthority } from '../certificates/certificate-authority.js';
import { MeasuredChurn } from '../churn/measured-churn.js';
import { SampleNetwork } from '../history/sample-network.js';
import { KeyPool } from '../keys/key-pool.js';
import type { WatchLedger } from '../ledger/watch-ledger.js';
import { Mailer } from '../mail/mailer.js';
import { PeerDirectory } from '../peers/peer-directory.js';
import { HOSTING_STATES } from '../peers/peer-standing.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { type OnlineRelay, OnlineRelays } from '../relays/online-relays.js';
import { BrokerMetrics } from './broker-metrics.js';

export function observeBroker(app: INestApplicationContext, watchLedger: WatchLedger): void {
  const anywhere = { strict: false };
  const metrics = app.get(BrokerMetrics, anywhere);
  const database = app.get(BrokerDatabase, anywhere);
  const mailer = app.get(Mailer, anywhere);
  const pool = app.get(KeyPool, anywhere);
  const churn = app.get(MeasuredChurn, anywhere);
  observeWriter(metrics, database);
  observeHosts(metrics, app.get(OnlineHosts, anywhere), app.get(PeerDirectory, anywhere));
  observeRelays(metrics, app.get(OnlineRelays, anywhere), app.get(OnlineHosts, anywhere));
  observeSample(metrics, app.get(SampleNetwork, anywhere));
  const { book } = metrics;
  book.gauge(
    { name: 'transactions_open', help: 'Transactions that have not ended, by state.', labels: ['state'] },
    () => countOpen(database),
  );
  book.gauge(
    { name: 'ledger_faults', help: 'Faults that the last check of the ledger found.' },
    () => watchLedger.faults,
  );
  book.gauge({ name: 'key_pool_keys', help: 'Transaction keys drawn ahead of time.' }, () => pool.size);
  book.gauge(
    { name: 'host_losses_per_year', help: 'Hosts lost per host and year, as measured.' },
    () => churn.current().lossesPerHostYear,
  );
  book.counted({ name: 'mails_total', help: 'Mails, by what came of them.', labels: ['outcome'] }, () => ({
    ...mailer.counts,
  }));
  const authority = app.get(CertificateAuthority, anywhere);
  book.gauge(
    { name: 'ca_expires_timestamp_seconds', help: 'When the certificate authority ends, Unix time.' },
    () => authority.expiresAtMs / 1_000,
  );
}

function observeWriter(
  { book, commitUnits, commitSeconds, writeWaitSeconds }: BrokerMetrics,
  database: BrokerDatabase,
): void {
  database.whenCommitted(({ units, waitedMs, tookMs }) => {
    commitUnits.observe(units);
    commitSeconds.observe(tookMs / 1_000);
    writeWaitSeconds.observe(waitedMs / 1_000);
  });
  book.gauge({ name: 'write_queue_units', help: 'Units that wait for the writer.' }, () => database.waitingWrites);
}

function observeHosts({ book }: BrokerMetrics, hosts: OnlineHosts, directory: PeerDirectory): void {
  book.gauge({ name: 'hosts_online', help: 'Hosts that are there, by state.', labels: ['state'] }, () => {
    const counts = Object.fromEntries(HOSTING_STATES.map((state) => [state, 0])) as Record<PeerState, number>;
    for (const { peerId } of hosts.all()) {
      const peer = directory.find(peerId);
      if (peer !== undefined) counts[peer.state]++;
    }
    return counts;
  });
  book.gauge(
    { name: 'hosts_placeable', help: 'Hosts that are there, answer probes and take new shards.' },
    () => hosts.candidates().candidates.length,
  );
}

function observeRelays({ book }: BrokerMetrics, relays: OnlineRelays, hosts: OnlineHosts): void {
  const sum = (of: (relay: OnlineRelay) => number): number => relays.all().reduce((all, relay) => all + of(relay), 0);
  book.gauge({ name: 'relays_online', help: 'Relays that are there.' }, () => relays.all().length);
  book.gauge({ name: 'relayed_peers', help: 'Peers that relays say they serve.' }, () => sum(({ peers }) => peers));
  book.gauge({ name: 'relayed_bytes_per_second', help: 'What relays say they carry.' }, () =>
    sum(({ bytesPerSecond }) => bytesPerSecond),
  );
  book.gauge(
    { name: 'hosts_relayed', help: 'Hosts that are there and attached to a relay.' },
    () => hosts.all().filter(({ relayId }) => relayId !== null).length,
  );
}

/** These are of the last sample, which is taken each hour: they would cost too much to be counted for each question. */
function observeSample({ book }: BrokerMetrics, samples: SampleNetwork): void {
  const gauges = [
    ['peers', 'Enrolled peers, by state, hourly.', 'state'],
    ['donated_bytes', 'What hosts share, hourly.', null],
    ['used_bytes', 'What of it is used, hourly.', null],
    ['objects', 'Stored objects, hourly.', null],
    ['objects_at_risk', 'Objects with fewer sound shards than they were made of, hourly.', null],
    ['repairs_waiting', 'Objects that wait to be repaired, hourly.', null],
  ] as const;
  for (const [name, help, label] of gauges) {
    book.gauge({ name, help, labels: label === null ? [] : [label] }, () => {
      const { latest } = samples;
      if (latest === null) return null;
      switch (name) {
        case 'peers':
          return latest.peers;
        case 'donated_bytes':
          return Number(latest.donatedBytes);
        case 'used_bytes':
          return Number(latest.usedBytes);
        case 'objects':
          return latest.objects;
        case 'objects_at_risk':
          return latest.objectsAtRisk;
        case 'repairs_waiting':
          return latest.repairsWaiting;
      }
    });
  }
}

async function countOpen(database: BrokerDatabase): Promise<Record<string, number>> {
  const counts: Record<string, number> = { issued: 0, unconfirmed: 0 };
  for (const state of Object.keys(counts)) {
    const [row] = await database.reads.query<{ open: number | string }[]>(
      'SELECT COUNT(*) AS open FROM transactions WHERE state = $1',
      [state],
    );
    counts[state] = Number(row!.open);
  }
  return counts;
}
