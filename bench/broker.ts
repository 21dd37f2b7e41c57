// Measures the broker under load: begin-put of objects with 6 and with 30 shards, 1 and 64 clients, real HTTPS, signed
// messages, sqlite with synchronous=FULL; beside a bare Nest route that signs one fast-jwt token and inserts one row.
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EnrolledPeer } from '#peer-home';
import { encodeBase64url, type ObjectId, uuidV7 } from '#protocol';
import { Command } from '../scripts/demo/command.js';
import { measureRunning } from './backup/process-usage.js';
import { BrokerProcess, type Code } from './broker/broker-process.js';
import { type LoadFigures, sendAll } from './broker/load.js';
import { type SignedRequest, signedPost } from './broker/signed-post.js';

const SHARD_BYTES = 1024 * 1024;
const CLIENTS = 64;
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);
const CODES: readonly Code[] = [
  { dataShards: 4, totalShards: 6 },
  { dataShards: 20, totalShards: 30 },
];
/** So many begin-puts in a round: seconds of work each. */
const REQUESTS = { one: { 6: 300, 30: 150 }, many: { 6: 3_000, 30: 1_200 } } as const;
/** The rates at which requests are due in an open loop: a busy broker that is not drowned. */
const TOKENS_PER_SECOND = [2_500, 5_000] as const;

interface Measured {
  readonly name: string;
  readonly clients: number;
  /** In an open loop: tokens asked for in a second. Null: each client asks again as soon as it is answered. */
  readonly askedTokensPerSecond: number | null;
  /** What the broker signed for each request. */
  readonly tokensPerRequest: number;
  readonly rounds: { readonly load: LoadFigures; readonly cpuSeconds: number }[];
}

export async function benchBroker(): Promise<object> {
  const measured: Measured[] = [];
  const networks = await Promise.all(CODES.map(startNetwork));
  const bare = await startBareRoute();
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (const clients of [1, CLIENTS]) {
        for (const network of networks) await measurePuts(measured, network, clients);
        await measureBare(measured, bare, clients);
      }
      for (const asked of TOKENS_PER_SECOND) {
        for (const network of networks) await measurePuts(measured, network, CLIENTS, asked);
      }
    }
  } finally {
    await Promise.all([...networks.map(({ broker }) => broker.stop()), bare.stop()]);
  }
  return {
    bench: 'broker',
    cpu: cpus()[0]?.model ?? 'unknown',
    node: process.version,
    rounds: ROUNDS,
    results: measured.map(summary),
  };
}

interface Network {
  readonly code: Code;
  readonly broker: BrokerProcess;
  readonly clients: readonly EnrolledPeer[];
}

async function startNetwork(code: Code): Promise<Network> {
  const broker = await BrokerProcess.start(code);
  const hosts = await broker.enrol(code.totalShards + 4, 'host');
  await sendAll(broker.origin, broker.announcements(hosts), 4);
  const clients = await broker.enrol(CLIENTS, 'client');
  // The first requests pay for what is compiled and cached later.
  await sendAll(broker.origin, puts({ code, broker, clients }, 200), CLIENTS);
  return { code, broker, clients };
}

async function measurePuts(
  measured: Measured[],
  network: Network,
  clients: number,
  askedTokensPerSecond: number | null = null,
): Promise<void> {
  const { totalShards } = network.code;
  const counts = clients === 1 ? REQUESTS.one : REQUESTS.many;
  const requests = puts(network, counts[totalShards as 6 | 30]);
  const usage = measureRunning(network.broker.pid);
  const perSecond = askedTokensPerSecond === null ? null : askedTokensPerSecond / totalShards;
  const load = await sendAll(network.broker.origin, requests, clients, perSecond);
  record(
    measured,
    { name: `begin-put of ${totalShards} shards`, clients, askedTokensPerSecond, tokensPerRequest: totalShards },
    load,
    usage().cpuSeconds,
  );
}

function puts({ code, broker, clients }: Network, count: number): SignedRequest[] {
  return Array.from({ length: count }, (_, i) => {
    const shards = Array.from({ length: code.totalShards }, (_, index) => ({
      index,
      cid: encodeBase64url(randomBytes(32)),
      sizeBytes: SHARD_BYTES,
    }));
    const objectId = uuidV7<ObjectId>(Date.now(), randomBytes(10));
    const object = { objectId, kind: 'data', sizeBytes: SHARD_BYTES * code.dataShards, ...code, shards, avoid: [] };
    return signedPost(broker.origin, '/v1/puts', { objects: [object] }, clients[i % clients.length]!);
  });
}

interface BareRoute {
  readonly pid: number;
  readonly origin: string;
  stop(): Promise<void>;
}

async function startBareRoute(): Promise<BareRoute> {
  const folder = await mkdtemp(join(tmpdir(), 'peerkeep-bench-bare-'));
  const script = fileURLToPath(new URL('./broker/bare-route.js', import.meta.url));
  const command = Command.startOther(process.execPath, [script, folder]);
  const port = (await command.line(/^port: (\d+)$/))[1]!;
  const origin = `https://127.0.0.1:${port}`;
  await sendAll(origin, bareRequests(200), CLIENTS);
  return {
    pid: command.pid,
    origin,
    async stop(): Promise<void> {
      await command.end('SIGTERM');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function measureBare(measured: Measured[], bare: BareRoute, clients: number): Promise<void> {
  const usage = measureRunning(bare.pid);
  const load = await sendAll(bare.origin, bareRequests(clients === 1 ? 300 : 3_000), clients);
  record(
    measured,
    { name: 'bare Nest route, fast-jwt HS256', clients, askedTokensPerSecond: null, tokensPerRequest: 1 },
    load,
    usage().cpuSeconds,
  );
}

function bareRequests(count: number): SignedRequest[] {
  const body = Buffer.from(JSON.stringify({ sub: 'somebody' }));
  return Array.from({ length: count }, () => ({
    path: '/bare',
    headers: { 'content-type': 'application/json' },
    body,
  }));
}

function record(measured: Measured[], what: Omit<Measured, 'rounds'>, load: LoadFigures, cpuSeconds: number): void {
  const known = measured.find(
    ({ name, clients, askedTokensPerSecond }) =>
      name === what.name && clients === what.clients && askedTokensPerSecond === what.askedTokensPerSecond,
  );
  const row = known ?? { ...what, rounds: [] };
  if (known === undefined) measured.push(row);
  row.rounds.push({ load, cpuSeconds });
}

function summary({ name, clients, askedTokensPerSecond, tokensPerRequest, rounds }: Measured): object {
  const of = (value: (round: Measured['rounds'][number]) => number): number => median(rounds.map(value));
  const requestsPerSecond = of(({ load }) => load.requests / load.seconds);
  const perCoreSecond = of(({ load, cpuSeconds }) => load.requests / cpuSeconds);
  return {
    name,
    clients,
    askedTokensPerSecond,
    requestsPerSecond: Math.round(requestsPerSecond),
    tokensPerSecond: Math.round(requestsPerSecond * tokensPerRequest),
    tokensPerCoreSecond: Math.round(perCoreSecond * tokensPerRequest),
    p50Ms: Number(of(({ load }) => load.p50Ms).toFixed(1)),
    p99Ms: Number(of(({ load }) => load.p99Ms).toFixed(1)),
  };
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
