// Measures the relay, as a process of its own beside a host and this client: bytes a second and processor time with TLS from
// end to end, small requests a second, each beside the direct way in the same run; and what an idle attached peer costs.
import { mkdtemp, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { RelayDialer } from '#peer-link';
import { pause, SystemClock } from '#process';
import { ALPN_SHARDS } from '#protocol';
import { Child } from './relay/child.js';
import type { HostSettings } from './relay/host-process.js';
import { BenchNetwork, TRUST_DOMAIN } from './relay/network.js';

const GiB = 1024 ** 3;
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);
const BYTES_PER_ROUND = Number(process.env.BENCH_BYTES ?? GiB / 2);
const STREAMS = 8;
const REQUEST_BYTES = 100;
const REQUESTS_PER_STREAM = 1_000;
const IDLE_PEERS = Number(process.env.BENCH_PEERS ?? 1_000);
/** Attached before memory is looked at: code and pools that the first peers bring. */
const FIRST_PEERS = 50;

type Way = 'direct' | 'relay';
const WAYS: readonly Way[] = ['direct', 'relay'];

interface Measured {
  readonly megabytesPerSecond: number;
  readonly relayCpuSecondsPerGiB: number;
  readonly allCpuSecondsPerGiB: number;
}

export async function benchRelay(): Promise<object> {
  const bench = await RelayBench.start();
  try {
    // First, while the memory of the relay has not grown by anything else.
    const results: object[] = [{ what: 'idle peers', ...(await bench.idle()) }];
    for (const streams of [1, STREAMS]) {
      const rounds: Record<Way, Measured[]> = { direct: [], relay: [] };
      for (let round = 0; round <= ROUNDS; round++) {
        for (const way of WAYS) {
          const measured = await bench.move(way, streams);
          if (round > 0) rounds[way].push(measured);
        }
      }
      for (const way of WAYS) results.push({ what: 'bytes', way, streams, ...medians(rounds[way]) });
    }
    for (const way of WAYS) results.push({ what: 'requests', way, streams: STREAMS, ...(await bench.request(way)) });
    return { bench: 'relay', cpu: cpus()[0]?.model ?? 'unknown', node: process.version, rounds: ROUNDS, results };
  } finally {
    await bench.stop();
  }
}

class RelayBench {
  private readonly dialer: RelayDialer;

  private constructor(
    private readonly network: BenchNetwork,
    private readonly relay: Child,
    private readonly host: Child,
    private readonly ports: Record<Way, number>,
    private readonly settings: HostSettings,
    private readonly client: Awaited<ReturnType<BenchNetwork['peer']>>,
  ) {
    const identity = { caPem: network.caPem, trustDomain: TRUST_DOMAIN, own: () => client };
    this.dialer = new RelayDialer({ identity, clock: new SystemClock() });
  }

  static async start(): Promise<RelayBench> {
    const network = await BenchNetwork.create();
    const own = await network.peer();
    const relayId = own.peerId;
    const main = join(import.meta.dirname, '../apps/relay/src/main.js');
    const home = await network.relayHome(own);
    const argv = ['run', '--listen', '127.0.0.1:0', '--public', '127.0.0.1:0', '--home', home];
    const relay = Child.start(main, argv, { PEERKEEP_LOG_LEVEL: 'error' });
    const relayPort = Number(await relay.line(/^listening on .*:(\d+)$/));
    const peers: HostSettings['peers'][number][] = [];
    for (let i = 0; i < FIRST_PEERS + IDLE_PEERS; i++) {
      const peer = await network.peer();
      const { peerId } = peer;
      peers.push({ ...peer, lease: network.lease({ kind: 'serve', relayId, subject: peerId, peerId }) });
    }
    const settings = { caPem: network.caPem, relayId, relayPort, peers };
    const file = join(await mkdtemp(join(tmpdir(), 'peerkeep-bench-')), 'hosts.json');
    await writeFile(file, JSON.stringify(settings), { mode: 0o600 });
    const host = Child.start(join(import.meta.dirname, 'relay/host-process.js'), [file]);
    const ports = { direct: Number(await host.line(/^port: (\d+)$/)), relay: relayPort };
    host.say('1');
    await host.line(/^attached: (\d+)$/);
    return new RelayBench(network, relay, host, ports, settings, await network.peer());
  }

  async move(way: Way, streams: number): Promise<Measured> {
    const sockets = await this.open(way, streams);
    const before = this.cpu();
    const startMs = performance.now();
    const each = BYTES_PER_ROUND / streams;
    await Promise.all(sockets.map((socket) => ask(socket, each)));
    const seconds = (performance.now() - startMs) / 1_000;
    const after = this.cpu();
    for (const socket of sockets) socket.destroy();
    const parts = BYTES_PER_ROUND / GiB;
    return {
      megabytesPerSecond: BYTES_PER_ROUND / seconds / 1e6,
      relayCpuSecondsPerGiB: (after.relay - before.relay) / parts,
      allCpuSecondsPerGiB: (after.all - before.all) / parts,
    };
  }

  async request(way: Way): Promise<{ readonly requestsPerSecond: number }> {
    const sockets = await this.open(way, STREAMS);
    const startMs = performance.now();
    await Promise.all(
      sockets.map(async (socket) => {
        for (let i = 0; i < REQUESTS_PER_STREAM; i++) await ask(socket, REQUEST_BYTES);
      }),
    );
    const seconds = (performance.now() - startMs) / 1_000;
    for (const socket of sockets) socket.destroy();
    return { requestsPerSecond: Math.round((STREAMS * REQUESTS_PER_STREAM) / seconds) };
  }

  /** Attach the others, and look at the memory of the relay before and after. */
  async idle(): Promise<object> {
    this.host.say(String(FIRST_PEERS - 1));
    await this.host.line(/^attached: (\d+)$/);
    await pauseHere(2_000);
    const beforeBytes = this.relay.residentBytes;
    this.host.say(String(IDLE_PEERS));
    await this.host.line(/^attached: (\d+)$/);
    await pauseHere(2_000);
    const grownBytes = this.relay.residentBytes - beforeBytes;
    return { peers: IDLE_PEERS, kibibytesPerPeer: Number((grownBytes / IDLE_PEERS / 1024).toFixed(1)) };
  }

  async stop(): Promise<void> {
    this.dialer.close();
    await this.host.stop();
    await this.relay.stop();
  }

  private cpu(): { readonly relay: number; readonly all: number } {
    const { user, system } = process.cpuUsage();
    const relay = this.relay.cpuSeconds;
    return { relay, all: relay + this.host.cpuSeconds + (user + system) / 1e6 };
  }

  private async open(way: Way, count: number): Promise<TLSSocket[]> {
    const sockets: TLSSocket[] = [];
    for (let i = 0; i < count; i++) sockets.push(await this.openOne(way));
    return sockets;
  }

  private async openOne(way: Way): Promise<TLSSocket> {
    const { relayId, peers, caPem } = this.settings;
    const { peerId } = peers[0]!;
    const { client, network, ports } = this;
    const under = async () => {
      if (way === 'direct') return { host: '127.0.0.1', port: ports.direct };
      const lease = network.lease({ kind: 'reach', relayId, subject: client.peerId, peerId });
      return { socket: await this.dialer.open({ relayId, address: '127.0.0.1', port: ports.relay, lease }, peerId) };
    };
    const socket = connect({
      ...(await under()),
      ca: [caPem],
      cert: client.certificatePem,
      key: client.privateKeyPem,
      minVersion: 'TLSv1.3',
      ALPNProtocols: [ALPN_SHARDS],
      checkServerIdentity: () => undefined,
    });
    await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    return socket;
  }
}

/** Ask for so many bytes, and wait until they came. */
function ask(socket: TLSSocket, sizeBytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let gotBytes = 0;
    const take = (piece: Buffer): void => {
      gotBytes += piece.length;
      if (gotBytes < sizeBytes) return;
      socket.off('data', take).off('error', reject);
      resolve();
    };
    socket.on('data', take).once('error', reject);
    socket.write(`${sizeBytes}\n`);
  });
}

/** Unlike those of the clock this wait keeps the process alive. */
async function pauseHere(ms: number): Promise<void> {
  const hold = setInterval(() => undefined, ms);
  await pause(new SystemClock(), ms);
  clearInterval(hold);
}

function medians(rounds: readonly Measured[]): object {
  const of = (field: keyof Measured): number => {
    const sorted = rounds.map((round) => round[field]).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? 0;
  };
  return {
    megabytesPerSecond: Math.round(of('megabytesPerSecond')),
    relayCpuSecondsPerGiB: Number(of('relayCpuSecondsPerGiB').toFixed(2)),
    allCpuSecondsPerGiB: Number(of('allCpuSecondsPerGiB').toFixed(2)),
  };
}
