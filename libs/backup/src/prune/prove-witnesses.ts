// Before something is marked or deleted: what is wanted of it is had from the objects that are to stand for it.
import { OBJECTS_PER_REQUEST_MAX, type ObjectId } from '#protocol';
import type { ChunkLocation } from '../chunk-index.js';
import { isLossOfData } from '../get/loss-of-data.js';
import type { AccountStore } from './account-store.js';
import { decidePrune, type PrunePlan, type PruneRules } from './decide-prune.js';
import { PROOF_ROUNDS_MAX } from './prune-limits.js';
import { type ReadAccount, weighObjects } from './read-account.js';

/**
 * The plan of a prune, with every witness examined: enough of its hosts are there, and each wanted chunk for which it
 * stands was read from it and verified. That an index names an object says neither: its hosts may be gone, and a machine
 * in wrong hands may have written the index. One that fails answers for nothing any more, and it is decided anew.
 *
 * throws   what keeps the broker or this machine from working; that a witness cannot be had is no error
 */
export async function decideProven(
  store: AccountStore,
  account: ReadAccount,
  rules: PruneRules,
  signal: AbortSignal,
): Promise<PrunePlan> {
  const witnesses = new Witnesses(store, account);
  for (let rounds = 1; ; rounds++) {
    const plan = decidePrune(weighObjects(account), rules);
    const going = [...plan.deletes, ...plan.marks, ...plan.repacks];
    // A notice that this prune cannot read may mark the witness, and another prune may have read it.
    if (account.notices.givenUp.length > 0) return withoutThose(plan, witnesses.relying(going));
    const failed = await witnesses.examine(going, signal);
    if (failed.size === 0) return plan;
    // Each round reads the account's directories; what has more bad witnesses than that stays for another time.
    if (rounds >= PROOF_ROUNDS_MAX) return withoutThose(plan, witnesses.relying(going, failed));
    account.map.doubt(failed);
  }
}

class Witnesses {
  /** By position in the index, the object that gave the chunk. */
  private readonly proven = new Map<number, ObjectId>();

  constructor(
    private readonly store: AccountStore,
    private readonly account: ReadAccount,
  ) {}

  /** Read what is wanted of these objects and looked for in others. Returns those others that did not give it. */
  async examine(going: readonly ObjectId[], signal: AbortSignal): Promise<Set<ObjectId>> {
    const wanted = new Map<ObjectId, Map<number, ChunkLocation>>();
    for (const objectId of going) {
      for (const location of this.witnessesOf(objectId)) {
        const position = this.account.map.index.positionOf(location.entry.chunkId)!;
        if (this.proven.get(position) === location.objectId) continue;
        const ofHolder = wanted.get(location.objectId) ?? new Map<number, ChunkLocation>();
        wanted.set(location.objectId, ofHolder.set(position, location));
      }
    }
    const holders = [...wanted.keys()];
    const present = await this.store.present(holders, signal);
    const failed = new Set(holders.filter((holder) => !present.has(holder)));
    const readable = holders.filter((holder) => present.has(holder));
    for (const [position, holder] of readable.entries()) {
      if (position % OBJECTS_PER_REQUEST_MAX === 0) {
        await this.store.announce(readable.slice(position, position + OBJECTS_PER_REQUEST_MAX), signal);
      }
      if (!(await this.gives(holder, wanted.get(holder)!, signal))) failed.add(holder);
    }
    return failed;
  }

  /** Of these objects, those of which something wanted is looked for in one of `witnesses`, or in any. */
  relying(going: readonly ObjectId[], witnesses?: ReadonlySet<ObjectId>): Set<ObjectId> {
    const counts = ({ objectId }: ChunkLocation): boolean => witnesses === undefined || witnesses.has(objectId);
    return new Set(going.filter((objectId) => [...this.witnessesOf(objectId)].some(counts)));
  }

  private *witnessesOf(objectId: ObjectId): Generator<ChunkLocation> {
    const { map, live } = this.account;
    for (const { chunkId } of map.directoryOf(objectId)?.entries ?? []) {
      if (!live.has(chunkId)) continue;
      const location = map.index.get(chunkId)!;
      if (location.objectId !== objectId) yield location;
    }
  }

  private async gives(
    holder: ObjectId,
    chunks: ReadonlyMap<number, ChunkLocation>,
    signal: AbortSignal,
  ): Promise<boolean> {
    try {
      for (const [position, location] of chunks) {
        await this.store.chunk(location, signal);
        this.proven.set(position, holder);
      }
      return true;
    } catch (error) {
      if (!isLossOfData(error)) throw error;
      return false;
    }
  }
}

function withoutThose(plan: PrunePlan, unproven: ReadonlySet<ObjectId>): PrunePlan {
  const proven = (ids: readonly ObjectId[]): ObjectId[] => ids.filter((id) => !unproven.has(id));
  return {
    ...plan,
    deletes: proven(plan.deletes),
    marks: proven(plan.marks),
    repacks: proven(plan.repacks),
    waits: [...plan.waits, ...plan.deletes.filter((id) => unproven.has(id))],
  };
}
