// What a check has found so far: counted, listed up to a bound, and told as it comes.
import type { ObjectId, PeerId, ProtocolError } from '#protocol';
import type { OnEvent } from '../ports.js';
import type { Concerned } from './concerned-files.js';
import type { Examined, ShardFault, ShardState } from './examine-objects.js';

/** The counts go on; a list that nobody reads to its end need not be kept. */
export const FINDINGS_LISTED_MAX = 1_000;

export class Findings {
  /** Objects that cannot be had whole, with the reason. */
  readonly lost = new Map<ObjectId, ProtocolError>();
  private readonly counts: Record<ShardState, number> = { away: 0, unplaced: 0, missing: 0, damaged: 0 };
  private readonly ofHosts = new Map<string, { peerId: PeerId; state: ShardState; shards: number }>();
  private readonly faults: ShardFault[] = [];
  private readonly concerned: Concerned[] = [];
  private concernedFiles = 0;
  private underReplicated = 0;

  constructor(private readonly onEvent: OnEvent) {}

  note({ object, faults, failure }: Examined): void {
    const { objectId } = object;
    if (faults.length > 0) this.underReplicated++;
    for (const fault of faults) this.noteFault(fault);
    if (failure === null) return;
    this.lost.set(objectId, failure);
    this.onEvent({ kind: 'warning', code: failure.code, detail: `object ${objectId}: ${failure.message}` });
  }

  noteConcerned(concerned: Concerned): void {
    this.concernedFiles++;
    if (this.concerned.length < FINDINGS_LISTED_MAX) this.concerned.push(concerned);
    const { path, snapshotId, objectId, failure } = concerned;
    const where = objectId === null ? '' : `, object ${objectId}`;
    const reason = `in snapshot ${snapshotId}${where}: ${failure.message}`;
    this.onEvent({ kind: 'skipped', path, code: failure.code, reason });
  }

  /** Objects that are not what was stored, as opposed to those that cannot be had now. */
  get damagedObjects(): ObjectId[] {
    return [...this.lost].flatMap(([objectId, { code }]) => (code === 'object_unavailable' ? [] : [objectId]));
  }

  summary(): {
    underReplicated: number;
    unavailableObjects: ObjectId[];
    shardFaults: Readonly<Record<ShardState, number>>;
    faultyHosts: { peerId: PeerId; state: ShardState; shards: number }[];
    faults: readonly ShardFault[];
    concerned: readonly Concerned[];
    concernedFiles: number;
  } {
    const unavailable = [...this.lost].flatMap(([id, { code }]) => (code === 'object_unavailable' ? [id] : []));
    return {
      underReplicated: this.underReplicated,
      unavailableObjects: unavailable,
      shardFaults: { ...this.counts },
      faultyHosts: [...this.ofHosts.values()],
      faults: this.faults,
      concerned: this.concerned,
      concernedFiles: this.concernedFiles,
    };
  }

  private noteFault(fault: ShardFault): void {
    const { objectId, index, peerId, state } = fault;
    this.counts[state]++;
    if (this.faults.length < FINDINGS_LISTED_MAX) this.faults.push(fault);
    if (peerId === null) return;
    const key = `${peerId} ${state}`;
    const known = this.ofHosts.get(key);
    if (known === undefined) this.ofHosts.set(key, { peerId, state, shards: 1 });
    else known.shards++;
    if (state === 'away') return;
    const code = state === 'missing' ? 'shard_unknown' : 'shard_corrupt';
    this.onEvent({
      kind: 'warning',
      code,
      detail: `shard ${index} of object ${objectId} at host ${peerId} is ${state}`,
    });
  }
}
