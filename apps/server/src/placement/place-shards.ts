// Chooses the hosts of an object's shards (B23, B24). Pure: the simulator and the tests run the code that production runs.
import type { AccountId, PeerId } from '#protocol';
import { type Candidate, type Holder, passes, type Wishes } from './candidate.js';
import { CandidatePool } from './candidate-pool.js';
import { byOperator, OperatorMatching } from './match-operators.js';

export type { Candidate, Holder, Wishes } from './candidate.js';

export interface PlacementRequest {
  readonly client: { readonly peerId: PeerId; readonly accountId: AccountId };
  readonly shards: readonly ShardToPlace[];
  /** Hosts that hold, or are about to hold, other shards of the object. */
  readonly holders: readonly Holder[];
  readonly avoid: readonly PeerId[];
  /** Of an object's shards, holders included, those that hosts may get which are not vetted, while others are there: 0 to 1. */
  readonly vettingShare: number;
  readonly wishes?: Wishes;
}

export interface ShardToPlace {
  readonly index: number;
  readonly sizeBytes: number;
}

export interface Placement {
  readonly placed: readonly { readonly index: number; readonly peerId: PeerId }[];
  /** Indexes of shards that no host is left for. */
  readonly unplaced: readonly number[];
}

/** From so many hosts on, shards are drawn from the pool; with fewer all are looked at, as they are at this moment. */
const DRAWN_FROM_MIN = 64;
/** Draws that find no host of the best kind before all hosts are looked at, and those for a second one to choose from. */
const DRAWS_MAX = 64;
const SECOND_DRAWS_MAX = 4;

/**
 * What always holds: one shard of an object at most goes to a peer, and to a network; none to the client itself, to a host
 * to avoid, or to one that the client's wishes leave out.
 *
 * What holds as far as the hosts allow, the first first: none to the client's own machines, which are likely to be lost
 * together with it; as many operators as possible, before any has two; no more to hosts that are not vetted than their share
 * (its fraction by luck, so that it is kept on average).
 *
 * Among equals two are drawn, each as likely as its free space times its uptime, and the faster one is taken; where one has
 * not been measured, the first.
 *
 * candidates   hosts to choose from; a pool that is kept costs no preparation
 * random       fresh numbers in [0, 1), as many as it takes
 * source       choice of two: Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing" (2001)
 */
export function placeShards(
  request: PlacementRequest,
  candidates: readonly Candidate[] | CandidatePool,
  random: () => number,
): Placement {
  const pool = candidates instanceof CandidatePool ? candidates : new CandidatePool(candidates);
  const placing = new Placing(request, pool, random);
  const unplaced = request.shards.filter((shard) => !placing.place(shard)).map(({ index }) => index);
  return { placed: placing.placed(), unplaced };
}

class Placing {
  private readonly shardIn = new Map<string, ShardToPlace>();
  private readonly chosenIn = new Map<string, Candidate>();
  private readonly shardsOfAccount = new Map<AccountId, number>();
  private readonly excluded: Set<PeerId>;
  private readonly closedNetworks = new Set<string>();
  private unvettedLeft: number;
  private readonly isLarge: boolean;
  /** No host of a better kind is left for a shard of this size. */
  private rankMin = 0;
  private sizeBytes = 0;
  /** Operators have one shard each at most, so others can still move to make room for one more. */
  private isMatching = true;

  constructor(
    private readonly request: PlacementRequest,
    private readonly pool: CandidatePool,
    private readonly random: () => number,
  ) {
    const { client, holders, avoid, shards, vettingShare } = request;
    this.excluded = new Set([client.peerId, ...avoid]);
    this.unvettedLeft = Math.floor(vettingShare * (shards.length + holders.length) + random());
    for (const { peerId, accountId, network, isVetted } of holders) {
      this.excluded.add(peerId);
      if (network !== null) this.closedNetworks.add(network);
      this.shardsOfAccount.set(accountId, this.usesOf(accountId) + 1);
      if (!isVetted) this.unvettedLeft--;
    }
    this.isLarge = pool.candidates.length >= DRAWN_FROM_MIN;
  }

  /** In the order of their indexes. */
  placed(): { index: number; peerId: PeerId }[] {
    return [...this.chosenIn]
      .map(([network, { peerId }]) => ({ index: this.shardIn.get(network)!.index, peerId }))
      .sort((a, b) => a.index - b.index);
  }

  /** False where no host is left for it. */
  place(shard: ShardToPlace): boolean {
    // Where there was no room for the last one, there may be for a smaller one.
    if (shard.sizeBytes !== this.sizeBytes) this.rankMin = 0;
    this.sizeBytes = shard.sizeBytes;
    const drawn = this.isLarge ? this.drawBest(shard) : undefined;
    if (drawn !== undefined) return this.take(shard, drawn);
    const { rank, equals } = this.lookAtAll(shard);
    const isAnother = rank < OPERATOR_RANK;
    if (!isAnother && this.isMatching && this.makeRoom(shard)) return true;
    if (equals.length === 0) return false;
    if (!isAnother) this.isMatching = false;
    this.rankMin = rank;
    return this.take(shard, this.chooseOf(equals));
  }

  private take(shard: ShardToPlace, host: Candidate): true {
    this.shardIn.set(host.network, shard);
    this.chosenIn.set(host.network, host);
    this.shardsOfAccount.set(host.accountId, this.usesOf(host.accountId) + 1);
    if (!host.isVetted) this.unvettedLeft--;
    return true;
  }

  private drawBest(shard: ShardToPlace): Candidate | undefined {
    const fits = (host: Candidate): boolean =>
      this.fits(host, shard) && this.rankOf(host) <= this.rankMin && this.mayHost(host);
    const first = this.drawUntil(fits, DRAWS_MAX);
    return first === undefined ? undefined : fasterOf(first, this.drawUntil(fits, SECOND_DRAWS_MAX));
  }

  private drawUntil(fits: (host: Candidate) => boolean, drawsMax: number): Candidate | undefined {
    for (let draws = 0; draws < drawsMax; draws++) {
      const host = this.pool.draw(this.random);
      if (host === undefined) return undefined;
      if (fits(host)) return host;
    }
    return undefined;
  }

  /** The best kind of host that is left for this shard, and all of that kind. */
  private lookAtAll(shard: ShardToPlace): { rank: number; equals: readonly Candidate[] } {
    let rank = Number.POSITIVE_INFINITY;
    let equals: Candidate[] = [];
    for (const candidate of this.pool.candidates) {
      if (!this.fits(candidate, shard)) continue;
      const its = this.rankOf(candidate);
      if (its > rank || !this.mayHost(candidate)) continue;
      if (its < rank) equals = [];
      rank = its;
      equals.push(candidate);
    }
    return { rank, equals };
  }

  private chooseOf(equals: readonly Candidate[]): Candidate {
    const pool = new CandidatePool(equals);
    return fasterOf(pool.draw(this.random) ?? equals[0]!, pool.draw(this.random));
  }

  /** Another operator gets the shard after all, when those before it take other networks of theirs. */
  private makeRoom(shard: ShardToPlace): boolean {
    const { chosenIn, shardIn } = this;
    const others = this.pool.candidates.filter((candidate) => !this.isOwn(candidate) && this.mayHost(candidate));
    if (others.every(({ accountId }) => this.usesOf(accountId) > 0)) return false;
    const placesOf = byOperator(others);
    const matching = new OperatorMatching(placesOf, chosenIn);
    const hasRoom = (place: Candidate, instead: Candidate | undefined): boolean =>
      place.availableBytes >= (instead === undefined ? shard : shardIn.get(instead.network)!).sizeBytes;
    const unvettedBefore = this.countUnvetted();
    for (const operator of placesOf.keys()) {
      if (this.usesOf(operator) > 0 || !matching.add(operator, hasRoom)) continue;
      for (const network of chosenIn.keys()) if (!shardIn.has(network)) shardIn.set(network, shard);
      this.shardsOfAccount.set(operator, 1);
      this.unvettedLeft -= this.countUnvetted() - unvettedBefore;
      return true;
    }
    return false;
  }

  private countUnvetted(): number {
    return [...this.chosenIn.values()].filter(({ isVetted }) => !isVetted).length;
  }

  /** 0 is the best kind of host; equals have the same rank. */
  private rankOf(candidate: Candidate): number {
    const own = this.isOwn(candidate) ? OWN_RANK : 0;
    const isPastShare = !candidate.isVetted && this.unvettedLeft <= 0;
    return own + OPERATOR_RANK * this.usesOf(candidate.accountId) + (isPastShare ? 1 : 0);
  }

  private mayHost(candidate: Candidate): boolean {
    if (this.excluded.has(candidate.peerId) || this.closedNetworks.has(candidate.network)) return false;
    return this.request.wishes === undefined || passes(candidate, this.request.wishes);
  }

  private fits({ availableBytes, network }: Candidate, { sizeBytes }: ShardToPlace): boolean {
    return availableBytes >= sizeBytes && availableBytes > 0 && !this.chosenIn.has(network);
  }

  private isOwn({ accountId }: Candidate): boolean {
    return accountId === this.request.client.accountId;
  }

  private usesOf(accountId: AccountId): number {
    return this.shardsOfAccount.get(accountId) ?? 0;
  }
}

/** From here on its operator has a shard already; below, only the vetting share tells hosts apart. */
const OPERATOR_RANK = 2;
/** Above what any number of shards makes. */
const OWN_RANK = 2 ** 32;

function fasterOf(first: Candidate, second: Candidate | undefined): Candidate {
  if (second === undefined || first.bytesPerSecond === null || second.bytesPerSecond === null) return first;
  return second.bytesPerSecond > first.bytesPerSecond ? second : first;
}
