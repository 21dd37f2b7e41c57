// Chooses the hosts of an object's shards (B24). Pure: the simulator and the tests run the code that production runs.
import type { AccountId, PeerId } from '#protocol';

export interface Candidate {
  readonly peerId: PeerId;
  readonly accountId: AccountId;
  /** Free space that no other placement has been promised. */
  readonly availableBytes: number;
}

export interface PlacementRequest {
  readonly client: { readonly peerId: PeerId; readonly accountId: AccountId };
  readonly shards: readonly { readonly index: number; readonly sizeBytes: number }[];
  /** Hosts that hold, or are about to hold, other shards of the object. */
  readonly holders: readonly { readonly peerId: PeerId; readonly accountId: AccountId }[];
  readonly avoid: readonly PeerId[];
}

export interface Placement {
  readonly placed: readonly { readonly index: number; readonly peerId: PeerId }[];
  /** Indexes of shards that no host is left for. */
  readonly unplaced: readonly number[];
}

/**
 * At most one shard of an object goes to a peer, and none to the client itself. Operators count, not peers: an account
 * gets a second shard only when every account that could take one has as many, and the client's own machines come
 * last, because they are likely to be lost together with it. Among equals the choice is random, weighted by space.
 *
 * random    fresh numbers in [0, 1), one per candidate
 * source    weights after Efraimidis and Spirakis, "Weighted random sampling with a reservoir" (2006): the least
 *           -ln(u) / weight
 */
export function placeShards(
  request: PlacementRequest,
  candidates: readonly Candidate[],
  random: () => number,
): Placement {
  const excluded = new Set<PeerId>([request.client.peerId, ...request.avoid]);
  const shardsOfAccount = new Map<AccountId, number>();
  for (const holder of request.holders) {
    excluded.add(holder.peerId);
    shardsOfAccount.set(holder.accountId, (shardsOfAccount.get(holder.accountId) ?? 0) + 1);
  }
  const free = inRandomOrder(candidates, random).filter(({ peerId }) => !excluded.has(peerId));

  const placed: { index: number; peerId: PeerId }[] = [];
  const unplaced: number[] = [];
  for (const { index, sizeBytes } of request.shards) {
    const chosen = leastUsed(free, sizeBytes, shardsOfAccount, request.client.accountId);
    if (chosen === null) {
      unplaced.push(index);
      continue;
    }
    const [host] = free.splice(chosen, 1) as [Candidate];
    shardsOfAccount.set(host.accountId, (shardsOfAccount.get(host.accountId) ?? 0) + 1);
    placed.push({ index, peerId: host.peerId });
  }
  return { placed, unplaced };
}

function inRandomOrder(candidates: readonly Candidate[], random: () => number): Candidate[] {
  return candidates
    .filter(({ availableBytes }) => availableBytes > 0)
    .map((candidate) => ({ candidate, rank: -Math.log(1 - random()) / candidate.availableBytes }))
    .sort((left, right) => left.rank - right.rank)
    .map(({ candidate }) => candidate);
}

/** Position of the first candidate with room whose account has fewest shards; null when none has room. */
function leastUsed(
  free: readonly Candidate[],
  sizeBytes: number,
  shardsOfAccount: ReadonlyMap<AccountId, number>,
  ownAccount: AccountId,
): number | null {
  let best: number | null = null;
  let bestUse = Number.POSITIVE_INFINITY;
  for (const [position, candidate] of free.entries()) {
    if (candidate.availableBytes < sizeBytes) continue;
    const own = candidate.accountId === ownAccount ? Number.MAX_SAFE_INTEGER / 2 : 0;
    const use = own + (shardsOfAccount.get(candidate.accountId) ?? 0);
    if (use >= bestUse) continue;
    best = position;
    bestUse = use;
    if (use === 0) break;
  }
  return best;
}
