// Measures the chain of one put step by step (ask, decide, token, verify, claim, do, receipt, settle), in microseconds of
// processor time and of the clock, by the parts of broker, host and client in one process: no connections, real databases.
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLog, SystemClock } from '#process';
import { type OpenBroker, openBroker } from './steps/broker-parts.js';
import { type OpenHost, openHost } from './steps/host-parts.js';
import { type Costs, type RoundSize, runPuts, STEPS, type Step } from './steps/put-chain.js';
import type { Cost } from './steps/stopwatch.js';

const KiB = 1024;
const WARM_UP_ROUNDS = 3;
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 9);
/** One put at a time waits for each commit and each sync alone; many at once share them, and messages of reports. */
const AT_ONCE = [1, 16] as const;
const SIZES = [
  { shardBytes: 64 * KiB, puts: 64 },
  { shardBytes: 1024 * KiB, puts: 32 },
] as const;

/**
 * returns  one JSON document: for each size of shard, alone and with others, a row for each step with the medians over
 *          the rounds, and their sum
 */
export async function benchSteps(): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), 'peerkeep-bench-steps-'));
  const surroundings = { clock: new SystemClock(), log: openLog('bench', 'warn') };
  const tables: object[] = [];
  try {
    const broker = await openBroker(join(folder, 'broker'), surroundings);
    try {
      const host = await openHost(join(folder, 'host'), broker.host, surroundings);
      try {
        for (const size of SIZES) {
          for (const atOnce of AT_ONCE) tables.push(await measure(broker, host, { ...size, atOnce }));
        }
      } finally {
        await host.close();
      }
    } finally {
      await broker.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return {
    bench: 'steps',
    cpu: cpus()[0]?.model ?? 'unknown',
    node: process.version,
    rounds: ROUNDS,
    results: tables,
  };
}

async function measure(broker: OpenBroker, host: OpenHost, size: RoundSize): Promise<object> {
  const rounds: Costs[] = [];
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const costs = await runPuts(broker, host, size);
    if (round >= 0) rounds.push(costs);
  }
  const rows = (Object.keys(STEPS) as Step[]).map((name) => {
    const [step, what] = STEPS[name];
    const of = (value: (cost: Cost) => number): number => tenths(median(rounds.map((costs) => value(costs[name]))));
    return { step, what, cpuMicros: of(({ cpuMicros }) => cpuMicros), wallMicros: of(({ wallMicros }) => wallMicros) };
  });
  const sum = (value: (row: Cost) => number): number => tenths(rows.reduce((total, row) => total + value(row), 0));
  return {
    shardBytes: size.shardBytes,
    putsAtOnce: size.atOnce,
    steps: rows,
    allSteps: { cpuMicros: sum(({ cpuMicros }) => cpuMicros), wallMicros: sum(({ wallMicros }) => wallMicros) },
  };
}

function tenths(value: number): number {
  return Number(value.toFixed(1));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
