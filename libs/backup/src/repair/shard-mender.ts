// Brings shards of a stored object to hosts again: the broker is asked for other places for exactly these, and each is put.
import type { Filling } from '#erasure';
import {
  formatTime,
  isRefusal,
  type ListedObject,
  type PeerId,
  ProtocolError,
  type PutPermission,
  type Report,
} from '#protocol';
import type { ShardFault } from '../check/examine-objects.js';
import type { BrokerPort, HostsPort, OnEvent } from '../ports.js';
import { type CodedObject, codeObject } from '../put/code-object.js';
import type { ReportOutbox } from '../put/report-outbox.js';

/** Each round asks for new hosts for what is missing; hosts that failed are avoided. */
const ROUNDS_MAX = 6;

export interface MenderPorts {
  readonly broker: Pick<BrokerPort, 'beginPut'>;
  readonly hosts: Pick<HostsPort, 'putShard'>;
  readonly outbox: Pick<ReportOutbox, 'add' | 'flush'>;
  readonly nowMs: () => number;
  readonly onEvent: OnEvent;
}

export interface Mended {
  readonly storedShards: number;
  readonly storedBytes: number;
  /** Shards that no host could be found for, that are promised to stay, or that this machine may not move. */
  readonly leftShards: number;
}

export class ShardMender {
  private toldAppendOnly = false;

  constructor(private readonly ports: MenderPorts) {}

  /**
   * bytes    the whole object, sealed
   * faults   its shards that need another place
   * throws   object_conflict when the broker knows other bytes | credit_exceeded | broker_unreachable | interrupted | ...
   */
  async mend(object: ListedObject, bytes: Buffer, faults: readonly ShardFault[], signal: AbortSignal): Promise<Mended> {
    const sealed = { objectId: object.objectId, kind: object.kind, bytes, entries: [] };
    const codedWith = (filling: Filling): CodedObject => codeObject(sealed, object, undefined, filling);
    try {
      return await this.place(object, codedWith('own'), faults, signal);
    } catch (error) {
      // The first question is refused before anything is placed: the broker knows shards of the older filling.
      if (!isRefusal(error, 'object_conflict')) throw error;
      return this.place(object, codedWith('zeros'), faults, signal);
    }
  }

  private async place(
    object: ListedObject,
    coded: CodedObject,
    faults: readonly ShardFault[],
    signal: AbortSignal,
  ): Promise<Mended> {
    const oldHosts = new Map(faults.map(({ index, peerId }) => [index, peerId]));
    let missing = new Set(oldHosts.keys());
    // A host that got one shard of the object must not be chosen for another before the broker has heard of the first.
    const avoid = new Set<PeerId>();
    // Those that this machine may not move, since it may not delete.
    const staying = new Set<number>();
    for (let round = 0; round < ROUNDS_MAX && missing.size > 0; round++) {
      const answer = await this.ask(object, coded, { missing, oldHosts, avoid }, signal);
      if (answer === 'append-only') {
        const known = [...missing].filter((index) => (oldHosts.get(index) ?? null) !== null);
        for (const index of known) staying.add(index);
        missing = new Set([...missing].filter((index) => !staying.has(index)));
        this.tellAppendOnly();
        if (known.length === 0) break;
        continue;
      }
      const outcomes = await Promise.all(answer.permissions.map((each) => this.put(coded, each, signal)));
      await this.ports.outbox.add(outcomes.flatMap(({ report }) => (report === null ? [] : [report])));
      if (signal.aborted) throw new ProtocolError('interrupted');
      const failed = new Set(answer.unplaced);
      for (const { permission, error } of outcomes) {
        const { peerId } = permission.host;
        avoid.add(peerId);
        if (error === null) continue;
        failed.add(permission.index);
        this.ports.onEvent({ kind: 'host-failed', peerId, code: error.code });
      }
      missing = failed;
      if (answer.permissions.length === 0) break;
    }
    const leftShards = missing.size + staying.size;
    const storedShards = oldHosts.size - leftShards;
    return { storedShards, storedBytes: storedShards * coded.bytes[0]!.length, leftShards };
  }

  private tellAppendOnly(): void {
    if (this.toldAppendOnly) return;
    this.toldAppendOnly = true;
    const detail = 'this machine is append-only and moves no shards: repair from another machine of the account';
    this.ports.onEvent({ kind: 'warning', code: 'peer_append_only', detail });
  }

  private async ask(
    object: ListedObject,
    coded: CodedObject,
    wanted: { missing: ReadonlySet<number>; oldHosts: ReadonlyMap<number, PeerId | null>; avoid: ReadonlySet<PeerId> },
    signal: AbortSignal,
  ): Promise<{ readonly permissions: readonly PutPermission[]; readonly unplaced: readonly number[] } | 'append-only'> {
    const { objectId, kind, sizeBytes, dataShards, totalShards } = object;
    const shards = coded.shards
      .filter(({ index }) => wanted.missing.has(index))
      .map((shard) => {
        const insteadOf = wanted.oldHosts.get(shard.index) ?? null;
        return insteadOf === null ? shard : { ...shard, insteadOf };
      });
    const avoid = [...wanted.avoid];
    let answer: Awaited<ReturnType<BrokerPort['beginPut']>>;
    try {
      const wish = { objectId, kind, sizeBytes, dataShards, totalShards, shards, avoid };
      answer = await this.ports.broker.beginPut({ objects: [wish] }, { signal });
    } catch (error) {
      if (isRefusal(error, 'peer_append_only')) return 'append-only';
      throw error;
    }
    const [answered] = answer.objects;
    if (answered?.objectId !== objectId) throw new ProtocolError('answer_untrusted');
    return answered;
  }

  private async put(
    coded: CodedObject,
    permission: PutPermission,
    signal: AbortSignal,
  ): Promise<{ permission: PutPermission; error: ProtocolError | null; report: Report | null }> {
    const { index, transactionId, host, token } = permission;
    const shard = coded.shards[index];
    if (shard === undefined) throw new ProtocolError('answer_untrusted');
    try {
      const { cid } = shard;
      const put = { host, token, cid, bytes: coded.bytes[index]!, transactionId, signal };
      const { receipt } = await this.ports.hosts.putShard(put);
      return { permission, error: null, report: { outcome: 'done', transactionId, receipt } };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (error.code === 'interrupted') return { permission, error, report: null };
      const at = formatTime(this.ports.nowMs());
      return { permission, error, report: { outcome: 'failed', transactionId, code: error.code, at } };
    }
  }
}
