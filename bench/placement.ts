// Measures one placement among many hosts: microseconds, from a list of hosts and from a pool that is kept.
import { cpus } from 'node:os';
import type { AccountId, PeerId } from '#protocol';
import { CandidatePool } from '../apps/server/src/placement/candidate-pool.js';
import { type Candidate, type PlacementRequest, placeShards } from '../apps/server/src/placement/place-shards.js';

const HOSTS = 10_000;
const SHARDS = 40;
const WARM_UP_ROUNDS = 30;
const ROUNDS = 100;

/** What the hosts are like: as most networks, or as the ones in which everything must be looked at. */
const NETWORKS: Readonly<Record<string, (i: number) => Partial<Candidate>>> = {
  'a mixed network': (i) => ({ isVetted: i % 10 !== 0, network: `network-${i % 4_000}` }),
  'nobody vetted': () => ({ isVetted: false }),
  'nine of ten in one network': (i) => (i % 10 === 0 ? {} : { network: 'one' }),
  'thirty operators': (i) => ({ accountId: `account-${i % 30}` as AccountId }),
};

/** returns  one JSON document: for each kind of network the median and the 99th percentile, in microseconds */
export async function benchPlacement(): Promise<object> {
  return {
    bench: 'placement',
    cpu: cpus()[0]?.model ?? 'unknown',
    node: process.version,
    hosts: HOSTS,
    shards: SHARDS,
    rounds: ROUNDS,
    results: Object.entries(NETWORKS).map(([name, like]) => {
      const hosts = Array.from({ length: HOSTS }, (_, i) => ({ ...someHost(i), ...like(i) }));
      const pool = new CandidatePool(hosts);
      return { name, fromList: measure(() => hosts), fromPool: measure(() => pool) };
    }),
  };
}

function measure(candidates: () => readonly Candidate[] | CandidatePool): object {
  const micros: number[] = [];
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const startedAt = performance.now();
    const { unplaced } = placeShards(request, candidates(), Math.random);
    const took = (performance.now() - startedAt) * 1_000;
    if (unplaced.length > 0) throw new Error('every shard has its host');
    if (round >= 0) micros.push(took);
  }
  micros.sort((a, b) => a - b);
  const at = (share: number): number => Math.round(micros[Math.floor(share * micros.length)]!);
  return { medianMicros: at(0.5), p99Micros: at(0.99) };
}

const request: PlacementRequest = {
  client: { peerId: 'client' as PeerId, accountId: 'client' as AccountId },
  shards: Array.from({ length: SHARDS }, (_, index) => ({ index, sizeBytes: 1_000_000 })),
  holders: [],
  avoid: [],
  vettingShare: 0.1,
};

function someHost(i: number): Candidate {
  return {
    peerId: `peer-${i}` as PeerId,
    accountId: `account-${i}` as AccountId,
    network: `network-${i}`,
    availableBytes: 1e9 + Math.random() * 1e12,
    uptime: 0.5 + Math.random() / 2,
    bytesPerSecond: i % 3 === 0 ? null : 1e5 + Math.random() * 1e8,
    isVetted: true,
    region: null,
  };
}
