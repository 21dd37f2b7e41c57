// Counts operators and networks in place of shards: ten shards at one person's ten machines are one shard. Pure.
import type { AccountId, PeerId } from '#protocol';

/** A host as the link between its operator and the network that it is in. */
export interface Place {
  readonly peerId: PeerId;
  readonly accountId: AccountId;
  readonly network: string;
}

/** One host of each network at most, and where it can be one of each operator. */
export class OperatorMatching<P extends Place> {
  /** chosen: of every network the host that stands for it; at most one of an operator of `placesOf` */
  constructor(
    private readonly placesOf: ReadonlyMap<AccountId, readonly P[]>,
    private readonly chosen = new Map<string, P>(),
  ) {}

  /**
   * Gives an operator a network of its own, moving other operators to other networks of theirs where that is what it takes
   * (an augmenting path); false where nobody can.
   *
   * mayTake  whether the host `place` can do what `instead`, or a newcomer, is there to do
   * source   Kuhn, "The Hungarian Method for the Assignment Problem" (1955); Berge (1957): a matching is the largest when no
   *          augmenting path is left
   */
  add(operator: AccountId, mayTake: (place: P, instead: P | undefined) => boolean = () => true): boolean {
    return this.seat(operator, mayTake, new Set());
  }

  private seat(
    operator: AccountId,
    mayTake: (place: P, instead: P | undefined) => boolean,
    tried: Set<string>,
  ): boolean {
    const places = this.placesOf.get(operator) ?? [];
    for (const place of places) {
      if (this.chosen.has(place.network) || tried.has(place.network) || !mayTake(place, undefined)) continue;
      this.chosen.set(place.network, place);
      return true;
    }
    for (const place of places) {
      if (tried.has(place.network)) continue;
      const seated = this.chosen.get(place.network);
      if (seated === undefined || !mayTake(place, seated)) continue;
      tried.add(place.network);
      if (!this.seat(seated.accountId, mayTake, tried)) continue;
      this.chosen.set(place.network, place);
      return true;
    }
    return false;
  }
}

export function byOperator<P extends Place>(places: Iterable<P>): Map<AccountId, P[]> {
  const placesOf = new Map<AccountId, P[]>();
  for (const place of places) {
    const known = placesOf.get(place.accountId);
    if (known === undefined) placesOf.set(place.accountId, [place]);
    else known.push(place);
  }
  return placesOf;
}

/**
 * How many of these hosts are there as far as a disaster can tell: the most that can be chosen with no two of one operator
 * or of one network.
 *
 * countMax  enough: no more are counted
 * source    after "servers of happiness" of Tahoe-LAFS (docs/specifications/servers-of-happiness.rst), a largest matching
 */
export function countDistinctOperators(places: readonly Place[], countMax = Number.POSITIVE_INFINITY): number {
  if (areDistinct(places, countMax)) return countMax;
  const placesOf = byOperator(places);
  const matching = new OperatorMatching(placesOf);
  let distinct = 0;
  for (const operator of placesOf.keys()) {
    if (distinct >= countMax) break;
    if (matching.add(operator)) distinct++;
  }
  return distinct;
}

/**
 * As countDistinctOperators; where all belong to one operator, there is nothing to be distinct from, and its machines in
 * distinct networks count.
 */
export function countIndependentHosts(places: readonly Place[], countMax = Number.POSITIVE_INFINITY): number {
  const [first] = places;
  if (first === undefined) return 0;
  if (places.some(({ accountId }) => accountId !== first.accountId)) return countDistinctOperators(places, countMax);
  return Math.min(countMax, new Set(places.map(({ network }) => network)).size);
}

/** The quick answer in a large network: the first that come along are enough. */
function areDistinct(places: readonly Place[], countMax: number): boolean {
  const operators = new Set<AccountId>();
  const networks = new Set<string>();
  for (const { accountId, network } of places) {
    if (operators.size >= countMax) break;
    if (operators.has(accountId) || networks.has(network)) continue;
    operators.add(accountId);
    networks.add(network);
  }
  return operators.size >= countMax;
}
