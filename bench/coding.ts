// Measures erasure coding: MB of object a second on one core, for encoding and for the worst rebuild, beside the oracle.
import { cpus } from 'node:os';
import { ReedSolomon, splitObject } from '#erasure';
import { encodePlainly, reconstructPlainly } from '../libs/erasure/src/reed-solomon-oracle.js';

const CODES = [
  { dataShards: 4, totalShards: 6 },
  { dataShards: 10, totalShards: 14 },
  { dataShards: 20, totalShards: 30 },
] as const;
const OBJECT_BYTES = 32 * 1024 * 1024;
// The oracle is some hundred times slower; its speed does not depend on the size.
const ORACLE_OBJECT_BYTES = 256 * 1024;
const WARM_UP_ROUNDS = 2;
const ROUNDS = 9;

/** Median MB (10^6 bytes) of object coded in a second, and how many times the oracle's. */
interface Speed {
  readonly megabytesPerSecond: number;
  readonly oracleMegabytesPerSecond: number;
  readonly ratio: number;
}

/**
 * Encode, and rebuild n-k lost data shards from all parity and the other data, at each code; the fast code and the oracle
 * take turns in one run. Prints one JSON document to stdout and returns it.
 */
export async function benchCoding(): Promise<object> {
  const results = CODES.map(({ dataShards, totalShards }) => {
    const code = new ReedSolomon(dataShards, totalShards);
    const fast = codeWord(code, OBJECT_BYTES);
    const plain = codeWord(code, ORACLE_OBJECT_BYTES);
    const lost = Array.from({ length: code.parityShards }, (_, number) => number);
    return {
      code: `${dataShards}+${code.parityShards}`,
      encode: compare(
        () => code.encode(fast.data, fast.parity),
        () => encodePlainly(plain.data, totalShards),
      ),
      rebuild: compare(
        () => code.reconstruct(fast.worstLoss, lost),
        () => reconstructPlainly(dataShards, plain.worstLoss, lost),
      ),
    };
  });
  return {
    bench: 'coding',
    cpu: cpus()[0]?.model ?? 'unknown',
    node: process.version,
    objectBytes: OBJECT_BYTES,
    oracleObjectBytes: ORACLE_OBJECT_BYTES,
    rounds: ROUNDS,
    results,
  };
}

/** Shards of a fixed object, and the same with the first n-k data shards lost. */
function codeWord(
  code: ReedSolomon,
  objectBytes: number,
): { data: Uint8Array[]; parity: Uint8Array[]; worstLoss: (Uint8Array | null)[] } {
  const object = new Uint8Array(objectBytes);
  for (let i = 0; i < objectBytes; i++) object[i] = Math.imul(i, 0x9e3779b1) >>> 23;
  const data = splitObject(object, code.dataShards);
  const parity = Array.from({ length: code.parityShards }, () => new Uint8Array(data[0]!.length));
  code.encode(data, parity);
  const worstLoss = [...data, ...parity].map((shard, number) => (number < code.parityShards ? null : shard));
  return { data, parity, worstLoss };
}

function compare(fast: () => unknown, oracle: () => unknown): Speed {
  const fastSeconds: number[] = [];
  const oracleSeconds: number[] = [];
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const fastTook = secondsOf(fast);
    const oracleTook = secondsOf(oracle);
    if (round < 0) continue;
    fastSeconds.push(fastTook);
    oracleSeconds.push(oracleTook);
  }
  const fastSpeed = OBJECT_BYTES / median(fastSeconds) / 1e6;
  const oracleSpeed = ORACLE_OBJECT_BYTES / median(oracleSeconds) / 1e6;
  return {
    megabytesPerSecond: Math.round(fastSpeed),
    oracleMegabytesPerSecond: Number(oracleSpeed.toFixed(1)),
    ratio: Math.round(fastSpeed / oracleSpeed),
  };
}

function secondsOf(action: () => unknown): number {
  const startedMs = performance.now();
  action();
  return (performance.now() - startedMs) / 1000;
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)]!;
}
