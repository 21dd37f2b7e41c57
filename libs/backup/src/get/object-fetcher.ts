// Fetches one object: the fastest k of its n shards, each checked against its content id; bad hosts are named and passed by.
import { strict as assert } from 'node:assert';
import { joinObject, shardBytesFor } from '#erasure';
import type { Clock } from '#process';
import {
  type ErrorCode,
  formatTime,
  type GetPermission,
  isRefusal,
  type ObjectId,
  type ObjectToGet,
  type PeerId,
  ProtocolError,
  type Report,
} from '#protocol';
import type { BrokerPort, HostsPort, OnEvent } from '../ports.js';
import { codeOf } from '../put/code-object.js';
import type { ReportOutbox } from '../put/report-outbox.js';
import { HostRates } from './host-rates.js';

/** With no shard for this long, one more host is asked; whoever comes first counts. */
const PATIENCE_MS = 1_500;

export interface ObjectFetcherOptions {
  readonly broker: BrokerPort;
  readonly hosts: HostsPort;
  readonly outbox: ReportOutbox;
  readonly clock: Clock;
  readonly onEvent: OnEvent;
}

export class ObjectFetcher {
  /** Hosts that failed in this run, with the last code of each. */
  readonly badHosts = new Map<PeerId, ErrorCode>();
  private readonly rates = new HostRates();

  constructor(private readonly options: ObjectFetcherOptions) {}

  /** Ask for the tokens of several objects in one request; at most OBJECTS_PER_REQUEST_MAX. */
  async permissionsFor(objectIds: readonly ObjectId[], signal: AbortSignal): Promise<Map<ObjectId, ObjectToGet>> {
    const answer = await this.options.broker.beginGet(
      { objects: objectIds.map((objectId) => ({ objectId, avoid: [] })) },
      { signal },
    );
    return new Map(answer.objects.map((object) => [object.objectId, object]));
  }

  /**
   * The bytes of an object.
   *
   * throws   object_unavailable when fewer than k shards could be had, naming how many | interrupted
   */
  async fetch(object: ObjectToGet, signal: AbortSignal): Promise<Buffer> {
    checkShape(object);
    const shards = await this.fetchShards(object, object.dataShards, signal);
    const wanted = Array.from({ length: object.dataShards }, (_, index) => index);
    const data = codeOf(object.dataShards, object.totalShards).reconstruct(shards, wanted);
    return asBuffer(joinObject(data, object.sizeBytes));
  }

  /** Every shard that can be had, by index; null where a host failed. For a check that reads everything. */
  async fetchEveryShard(object: ObjectToGet, signal: AbortSignal): Promise<(Buffer | null)[]> {
    checkShape(object);
    const shards: (Buffer | null)[] = new Array(object.totalShards).fill(null);
    const reports: Report[] = [];
    await Promise.all(
      object.permissions.map(async (permission) => {
        const { bytes, report } = await this.fetchShard(permission, signal);
        shards[permission.index] = bytes;
        if (report !== null) reports.push(report);
      }),
    );
    if (signal.aborted) throw new ProtocolError('interrupted');
    await this.options.outbox.add(reports);
    return shards;
  }

  /** Race the hosts until k shards are there: k at first, one more for each that fails or keeps everybody waiting. */
  private async fetchShards(object: ObjectToGet, needed: number, signal: AbortSignal): Promise<(Buffer | null)[]> {
    const shards: (Buffer | null)[] = new Array(object.totalShards).fill(null);
    const candidates = this.inOrderOfChoice(object);
    const enough = new AbortController();
    const either = AbortSignal.any([signal, enough.signal]);
    const reports: Report[] = [];
    const running = new Set<Promise<void>>();
    let present = 0;

    const startNext = (): void => {
      const permission = either.aborted ? undefined : candidates.shift();
      if (permission === undefined) return;
      const transfer = this.fetchShard(permission, either).then(({ bytes, report }) => {
        running.delete(transfer);
        if (report !== null && !enough.signal.aborted) reports.push(report);
        if (bytes === null) return startNext();
        if (shards[permission.index] === null) present++;
        shards[permission.index] = bytes;
      });
      running.add(transfer);
    };

    for (let i = 0; i < needed; i++) startNext();
    try {
      while (present < needed && running.size > 0) {
        const cameInTime = await this.firstWithin(running, PATIENCE_MS);
        if (!cameInTime) startNext();
      }
    } finally {
      enough.abort();
    }
    if (signal.aborted) throw new ProtocolError('interrupted');
    await this.options.outbox.add(reports);
    if (present < needed) {
      throw new ProtocolError('object_unavailable', { objectId: object.objectId, present, needed });
    }
    return shards;
  }

  /** Fast hosts first; among equals the data shards, which need no decoding. */
  private inOrderOfChoice(object: ObjectToGet): GetPermission[] {
    return [...object.permissions].sort(
      (left, right) => this.rates.of(right.host.peerId) - this.rates.of(left.host.peerId) || left.index - right.index,
    );
  }

  private async fetchShard(
    permission: GetPermission,
    signal: AbortSignal,
  ): Promise<{ bytes: Buffer | null; report: Report | null }> {
    const { host, token, cid, sizeBytes, transactionId } = permission;
    const startMs = this.options.clock.monotonicMs();
    try {
      const { bytes, receipt } = await this.options.hosts.getShard({
        host,
        token,
        cid,
        sizeBytes,
        transactionId,
        signal,
      });
      this.rates.measured(host.peerId, sizeBytes, this.options.clock.monotonicMs() - startMs);
      return { bytes, report: receipt === null ? null : { outcome: 'done', transactionId, receipt } };
    } catch (error) {
      if (signal.aborted) {
        // Cut off by ourselves: others were faster, or the person stopped. It is at best as fast as it has shown, and
        // must not be preferred as one that nobody has measured: it would keep every object waiting.
        this.rates.measured(host.peerId, sizeBytes, this.options.clock.monotonicMs() - startMs);
        return { bytes: null, report: null };
      }
      if (!isRefusal(error)) throw error;
      this.passBy(host.peerId, error);
      const at = formatTime(this.options.clock.nowMs());
      return { bytes: null, report: { outcome: 'failed', transactionId, code: error.code, at } };
    }
  }

  private passBy(peerId: PeerId, error: ProtocolError): void {
    this.rates.failed(peerId);
    this.badHosts.set(peerId, error.code);
    this.options.onEvent({ kind: 'host-failed', peerId, code: error.code });
  }

  /** True when one of `running` ended within `ms`. Errors of ours in a transfer come out here. */
  private async firstWithin(running: ReadonlySet<Promise<void>>, ms: number): Promise<boolean> {
    let cancel: (() => void) | null = null;
    const patience = new Promise<false>((resolve) => {
      cancel = this.options.clock.schedule(ms, () => resolve(false));
    });
    try {
      return await Promise.race([patience, Promise.race(running).then(() => true)]);
    } finally {
      (cancel as (() => void) | null)?.();
    }
  }
}

/** What the broker said of an object must fit together before memory is taken for it. */
function checkShape(object: ObjectToGet): void {
  const { dataShards, totalShards, sizeBytes, permissions, objectId } = object;
  const shardBytes = shardBytesFor(sizeBytes, dataShards);
  const fits = permissions.every(({ index, sizeBytes: size }) => index < totalShards && size === shardBytes);
  if (dataShards > totalShards || !fits) throw new ProtocolError('answer_untrusted', { objectId });
}

function asBuffer(bytes: Uint8Array): Buffer {
  assert(bytes.byteLength > 0);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
