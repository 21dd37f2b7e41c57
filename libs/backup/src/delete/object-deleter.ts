// Deletes objects: the broker takes them out of every list and permits the deletions, each host is asked once for all of
// its shards, and its receipts go through the outbox.
//
// The broker remembers what hosts still have of deleted objects. Whatever ends a deletion half way, a crash of ours or
// a host that is away, the next deletion of the account finds it in that list and completes it.
import { BoundedPool } from '#process';
import {
  type BeginDeleteAnswer,
  DELETED_OBJECTS_MAX,
  formatTime,
  isRefusal,
  OBJECTS_PER_PAGE_MAX,
  type ObjectId,
  ProtocolError,
  type Report,
} from '#protocol';
import type { BrokerPort, HostsPort, OnEvent } from '../ports.js';
import type { ReportOutbox } from '../put/report-outbox.js';

/** Hosts that are asked at the same time; what is asked is small, and waits for their disks. */
const HOSTS_AT_ONCE_MAX = 16;

export interface DeletionPorts {
  readonly broker: Pick<BrokerPort, 'beginDelete' | 'listObjects'>;
  readonly hosts: Pick<HostsPort, 'deleteBatch'>;
  readonly outbox: Pick<ReportOutbox, 'add'>;
  readonly nowMs: () => number;
  readonly onEvent: OnEvent;
}

export interface DeletionOutcome {
  /** No host has anything of these any more. */
  readonly deleted: ObjectId[];
  /** These are as they were: somebody promised to keep them until then (`retainUntil` of their puts). */
  readonly retained: { readonly objectId: ObjectId; readonly until: string }[];
  /** In no list any more, but some hosts still have shards: they were away, or failed. A later run asks again. */
  readonly pending: ObjectId[];
}

type DeleteBatch = BeginDeleteAnswer['batches'][number];

export class ObjectDeleter {
  private readonly pool = new BoundedPool(HOSTS_AT_ONCE_MAX);
  private hasCompletedEarlier = false;

  constructor(private readonly ports: DeletionPorts) {}

  /**
   * Delete objects, in any number and order. Asking again for what is deleted, or never was, is harmless. The first call
   * completes what earlier deletions have left, too; that is not in its answer.
   *
   * throws   peer_append_only | broker_unreachable | interrupted | local_disk | ...: then some are deleted, and the same
   *          call goes on from there
   */
  async delete(objectIds: readonly ObjectId[], signal: AbortSignal): Promise<DeletionOutcome> {
    const wanted = [...new Set(objectIds)];
    const outcome: DeletionOutcome = { deleted: [], retained: [], pending: [] };
    for (let first = 0; first < wanted.length; first += DELETED_OBJECTS_MAX) {
      await this.deleteSome(wanted.slice(first, first + DELETED_OBJECTS_MAX), outcome, signal);
    }
    await this.completeEarlier(new Set(wanted), signal);
    return outcome;
  }

  private async completeEarlier(except: ReadonlySet<ObjectId>, signal: AbortSignal): Promise<void> {
    if (this.hasCompletedEarlier) return;
    let after: ObjectId | null = null;
    do {
      const page: Awaited<ReturnType<BrokerPort['listObjects']>> = await this.ports.broker.listObjects(
        { state: 'deleted', limit: OBJECTS_PER_PAGE_MAX, ...(after === null ? {} : { after }) },
        { signal },
      );
      const left = page.objects.map(({ objectId }) => objectId).filter((objectId) => !except.has(objectId));
      if (left.length > 0) await this.deleteSome(left, { deleted: [], retained: [], pending: [] }, signal);
      after = page.next;
    } while (after !== null);
    this.hasCompletedEarlier = true;
  }

  /** At most as many as one request takes; halved where these have too many shards for one. */
  private async deleteSome(objectIds: readonly ObjectId[], into: DeletionOutcome, signal: AbortSignal): Promise<void> {
    let answer: BeginDeleteAnswer;
    try {
      answer = await this.ports.broker.beginDelete({ objectIds: [...objectIds] }, { signal });
    } catch (error) {
      if (!isRefusal(error, 'request_too_large') || objectIds.length === 1) throw error;
      const middle = objectIds.length >> 1;
      await this.deleteSome(objectIds.slice(0, middle), into, signal);
      await this.deleteSome(objectIds.slice(middle), into, signal);
      return;
    }
    const left = new Set(answer.offline.map(({ objectId }) => objectId));
    const kept = latestTimes(answer.retained);
    for (const objectId of await this.askHosts(answer.batches, signal)) left.add(objectId);
    for (const objectId of objectIds) {
      const until = kept.get(objectId);
      if (until !== undefined) into.retained.push({ objectId, until });
      else (left.has(objectId) ? into.pending : into.deleted).push(objectId);
    }
  }

  /** Ask every host for its part; returns the objects of which a host still has something. */
  private async askHosts(batches: readonly DeleteBatch[], signal: AbortSignal): Promise<ObjectId[]> {
    const outcomes = await Promise.all(batches.map((batch) => this.pool.run(() => this.askHost(batch, signal))));
    await this.ports.outbox.add(outcomes.flatMap(({ report }) => (report === null ? [] : [report])));
    if (signal.aborted) throw new ProtocolError('interrupted');
    return outcomes.flatMap(({ left }) => left);
  }

  private async askHost(
    { host, token, transactionId, items }: DeleteBatch,
    signal: AbortSignal,
  ): Promise<{ readonly report: Report | null; readonly left: ObjectId[] }> {
    try {
      const tokenItems = items.map(({ cid, sizeBytes }) => ({ cid, sizeBytes }));
      const batch = { host, token, transactionId, items: tokenItems, signal };
      const { receipt, results } = await this.ports.hosts.deleteBatch(batch);
      const left = items.filter((_item, i) => !isGone(results[i])).map(({ objectId }) => objectId);
      return { report: { outcome: 'done', transactionId, receipt }, left };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const all = items.map(({ objectId }) => objectId);
      // What we cut off ourselves says nothing about the host.
      if (error.code === 'interrupted') return { report: null, left: all };
      const at = formatTime(this.ports.nowMs());
      const report: Report = { outcome: 'failed', transactionId, code: error.code, at };
      // A host asked about one shard answers with a refusal where it would answer about that item of several.
      if (items.length === 1 && isGone(error.code)) return { report, left: [] };
      this.ports.onEvent({ kind: 'host-failed', peerId: host.peerId, code: error.code });
      return { report, left: all };
    }
  }
}

/** A host that never had the shard, or lost it, has no more of it than one that deleted it. */
function isGone(result: string | undefined): boolean {
  return result === 'deleted' || result === 'shard_unknown';
}

function latestTimes(retained: BeginDeleteAnswer['retained']): Map<ObjectId, string> {
  const times = new Map<ObjectId, string>();
  for (const { objectId, until } of retained) {
    const known = times.get(objectId);
    // Times on the wire have one form, so their texts are in the order of the times.
    if (known === undefined || known < until) times.set(objectId, until);
  }
  return times;
}
