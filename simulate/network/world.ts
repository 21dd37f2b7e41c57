// All that one simulation holds: its clock, its peers and shards, the policy that it runs under, and what is counted.
import { strict as assert } from 'node:assert';
import { newAuditScore } from '../../apps/server/src/audits/decide-audit-score.js';
import { EventQueue } from '../engine/event-queue.js';
import { SeededRandom } from '../engine/seeded-random.js';
import type { Code, SimulationOptions } from '../options.js';
import { AuditBook } from './audit-book.js';
import { CreditBook } from './credits.js';
import { Peers } from './peers.js';
import { RepairDesk } from './repair-desk.js';
import type { Rules } from './rules.js';
import { Shards } from './shards.js';
import { Tallies } from './tallies.js';

export class World {
  readonly queue = new EventQueue();
  readonly peers: Peers;
  readonly shards: Shards;
  readonly tallies = new Tallies();
  readonly audits: AuditBook;
  readonly desk: RepairDesk;
  readonly credits: CreditBook;
  readonly shardBytes: number;
  /** How many objects of the real network one that is followed stands for. */
  readonly weight: number;
  /** Shards of lost peers that the broker has not missed yet. */
  readonly graves: Int32Array[] = [];
  readonly random: Readonly<Record<'churn' | 'placement' | 'rot' | 'audits' | 'repair' | 'samples', SeededRandom>>;
  nowHours = 0;

  constructor(
    readonly options: SimulationOptions,
    readonly rules: Rules,
  ) {
    const { code } = rules;
    const { peers, objectsPerPeer, objectBytes, storedBytesPerPeer, seed } = options;
    this.peers = new Peers(peers, options.offeredBytesPerPeer);
    this.audits = new AuditBook(peers, newAuditScore(rules.audits));
    this.shards = new Shards(peers * objectsPerPeer, code, peers);
    this.credits = new CreditBook(peers, rules.policy.exchange.windowDays);
    this.desk = new RepairDesk(peers * objectsPerPeer);
    this.shardBytes = Math.ceil(objectBytes / code.dataShards);
    this.weight = Math.max(1, storedBytesPerPeer / (objectsPerPeer * objectBytes));
    const stream = (name: string): SeededRandom => new SeededRandom(seed, name);
    this.random = {
      churn: stream('churn'),
      placement: stream('placement'),
      rot: stream('rot'),
      audits: stream('audits'),
      repair: stream('repair'),
      samples: stream('samples'),
    };
  }

  get code(): Code {
    return this.rules.code;
  }

  /** What a shard that is followed stands for, in bytes. */
  get weighedShardBytes(): number {
    return this.shardBytes * this.weight;
  }

  ownerOf(object: number): number {
    return Math.floor(object / this.options.objectsPerPeer);
  }

  /** Plan something for a peer; void when a newcomer has its number by then. */
  plan(inHours: number, kind: number, peer: number): void {
    this.queue.add(this.nowHours + inHours, kind, peer, this.peers.generation[peer]!);
  }

  /** Free room and whether it may be used, as placement sees it. */
  refreshCandidate(peer: number): void {
    const { peers, shards } = this;
    const candidate = peers.candidates[peer];
    assert(candidate !== undefined);
    const held = shards.heldBy[peer]! * this.weighedShardBytes;
    candidate.availableBytes = peers.mayHost(peer) ? Math.max(0, peers.offeredBytes - held) : 0;
  }
}
