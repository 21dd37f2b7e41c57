// Measures a host: puts and gets of shards of 64 KiB, 1 MiB and 4 MiB with everything synced, through a real agent
// process, beside node:https that writes the same bytes to a file with fsync: the limit on this machine.
import { cpus } from 'node:os';
import { type HostUnderLoad, startHost } from './agent/host-under-load.js';
import { type PlainServer, startPlainServer } from './agent/plain-server.js';
import { type Exchange, run } from './agent/run-exchanges.js';

const KiB = 1024;
const SIZES = [64 * KiB, 1024 * KiB, 4096 * KiB] as const;
const CONNECTIONS = 4;
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 3);
const BYTES_PER_ROUND = 192 * 1024 * KiB;
const EXCHANGES_MAX = 600;

interface Round {
  readonly agent: number;
  readonly plain: number;
}

/** One JSON document: medians in MB/s of shard bytes, and the median of the ratios of the rounds. */
export async function benchAgent(): Promise<object> {
  const host = await startHost();
  const plain = await startPlainServer();
  const results: object[] = [];
  try {
    for (const sizeBytes of SIZES) {
      const puts: Round[] = [];
      const gets: Round[] = [];
      // The first round warms up: code, connections, the page cache.
      for (let round = 0; round <= ROUNDS; round++) {
        const measured = await measureRound(host, plain, sizeBytes);
        if (round === 0) continue;
        puts.push(measured.put);
        gets.push(measured.get);
      }
      results.push({ op: 'put', sizeBytes, ...summary(puts) }, { op: 'get', sizeBytes, ...summary(gets) });
    }
  } finally {
    await plain.stop();
    await host.stop();
  }
  return {
    bench: 'agent',
    cpu: cpus()[0]?.model ?? 'unknown',
    node: process.version,
    rounds: ROUNDS,
    connections: CONNECTIONS,
    results,
  };
}

async function measureRound(
  host: HostUnderLoad,
  plain: PlainServer,
  sizeBytes: number,
): Promise<{ put: Round; get: Round }> {
  const count = Math.min(EXCHANGES_MAX, Math.floor(BYTES_PER_ROUND / sizeBytes));
  const shards = host.makeShards(count, sizeBytes);
  const rate = async (origin: HostUnderLoad | PlainServer, exchanges: readonly Exchange[]): Promise<number> => {
    const seconds = await run(origin, exchanges, CONNECTIONS);
    return (count * sizeBytes) / seconds / 1e6;
  };
  return {
    put: { agent: await rate(host, host.puts(shards)), plain: await rate(plain, plain.puts(shards)) },
    get: { agent: await rate(host, host.gets(shards)), plain: await rate(plain, plain.gets(shards)) },
  };
}

function summary(rounds: readonly Round[]): object {
  return {
    agentMegabytesPerSecond: Math.round(median(rounds.map(({ agent }) => agent))),
    plainMegabytesPerSecond: Math.round(median(rounds.map(({ plain }) => plain))),
    ratio: Number(median(rounds.map(({ agent, plain }) => agent / plain)).toFixed(2)),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
