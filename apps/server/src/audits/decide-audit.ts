// Which hosts are audited when, and which block each is asked for: by bytes and suspicion, unforeseeable, bounded. Pure.
import { BLOCK_BYTES, blocksOf } from '#protocol';
import type { AuditPolicy } from './audit-policy.js';
import type { AuditVerdict } from './decide-audit-score.js';

const DAY_MS = 24 * 60 * 60_000;
const TiB = 1024 ** 4;

/** In [0, 1). What a host must not foresee is drawn from the system's randomness. */
export type Random = () => number;

export interface AuditableHost {
  readonly heldBytes: number;
  readonly verdict: AuditVerdict;
}

type RatePolicy = Pick<AuditPolicy, 'perHostPerDay' | 'perTiBPerDay' | 'perHostPerDayMax' | 'suspicionFactor'>;

/** How many audits a day this host has; 0 for one that holds nothing. */
export function auditsPerDay({ heldBytes, verdict }: AuditableHost, policy: RatePolicy): number {
  if (heldBytes === 0) return 0;
  const byBytes = policy.perHostPerDay + (policy.perTiBPerDay * heldBytes) / TiB;
  const plain = Math.min(byBytes, policy.perHostPerDayMax);
  return verdict === 'ok' ? plain : plain * policy.suspicionFactor;
}

/** How long until the next audit of this host: half of the mean pause to one and a half, so that nobody knows when. */
export function pauseUntilNextMs(host: AuditableHost, random: Random, policy: RatePolicy): number {
  // A host that holds nothing is looked at again as if it held a little: it may hold something by then.
  const perDay = auditsPerDay({ ...host, heldBytes: Math.max(1, host.heldBytes) }, policy);
  return Math.round((DAY_MS / perDay) * (0.5 + random()));
}

/**
 * Of the hosts that are due, those that are asked now: all of them, or `max` drawn by their rates when there are more.
 * Those left out stay due. Source: Efraimidis, Spirakis: Weighted random sampling with a reservoir (2006).
 */
export function decideAudits<T extends AuditableHost>(
  due: readonly T[],
  { max, random, policy }: { readonly max: number; readonly random: Random; readonly policy: RatePolicy },
): T[] {
  if (due.length <= max) return [...due];
  const keyed = due.map((host) => {
    const weight = auditsPerDay(host, policy);
    // log(u) / w orders as u^(1/w), and does not underflow.
    return { host, key: weight === 0 ? -Infinity : Math.log(1 - random()) / weight };
  });
  keyed.sort((a, b) => b.key - a.key);
  return keyed.slice(0, max).map(({ host }) => host);
}

/** Among so many shards of a host, the number of one: each with the same chance. */
export function drawShard(shards: number, random: Random): number {
  return Math.min(shards - 1, Math.floor(random() * shards));
}

/**
 * Whether a shard that was drawn is the one, or another is to be drawn: so each is chosen by its bytes.
 *
 * sizeBytesMax   of the largest shard of the host
 */
export function isChosenByBytes(sizeBytes: number, sizeBytesMax: number, random: Random): boolean {
  return random() * sizeBytesMax < sizeBytes;
}

/** The number of a block of a shard of this size, by bytes: a shorter last block has a smaller chance. */
export function drawBlock(sizeBytes: number, random: Random): number {
  return Math.min(blocksOf(sizeBytes) - 1, Math.floor((random() * sizeBytes) / BLOCK_BYTES));
}
