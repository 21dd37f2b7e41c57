// Fetches one object: the fastest k of its n shards, each checked against its content id; bad hosts are named and passed by.
import { shardBytesFor } from '#erasure';
import type { NeighbourGet } from '#peer-link';
import { type Clock, keepingAlive } from '#process';
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
import { sealedBuffers } from '../objects/object-builder.js';
import type { BrokerPort, HostsPort, NeighboursPort, OnEvent } from '../ports.js';
import { codeOf } from '../put/code-object.js';
import type { ReportOutbox } from '../put/report-outbox.js';
import { HostRates } from './host-rates.js';
import { type FetchedBytes, NeighbourGets } from './neighbour-gets.js';

/**
 * With no shard for so many times what one usually takes, one more host is asked, and whoever comes first counts; within
 * bounds, and for this long while no host has been measured.
 */
const PATIENCE_FACTOR = 3;
const PATIENCE_MS_FIRST = 1_500;
const PATIENCE_MS_MIN = 1_000;
const PATIENCE_MS_MAX = 60_000;

/** A smaller shard tells how long a round trip takes, not how fast its host is; in less time it tells not even that. */
const MEASURED_BYTES_MIN = 256 * 1024;
const MEASURED_MS_MIN = 100;

/** An object that is dropped makes room for the next one: no more lie idle. */
const FREE_MEMORIES_KEPT = 2;

export interface ObjectFetcherOptions {
  readonly broker: BrokerPort;
  readonly hosts: HostsPort;
  /** Asked first, where there are any. */
  readonly neighbours?: NeighboursPort | null;
  readonly outbox: ReportOutbox;
  readonly clock: Clock;
  readonly onEvent: OnEvent;
  /** Bytes a second that this machine may receive; null, or nothing, is no limit. */
  readonly downloadLimit?: () => number | null;
}

/** A shard, and who is asked for it: its host, or a neighbour that says it has it. */
interface Source {
  readonly permission: GetPermission;
  readonly near: NeighbourGet | null;
}

export class ObjectFetcher {
  /** Hosts that failed in this run, with the last code of each. */
  readonly badHosts = new Map<PeerId, ErrorCode>();
  private readonly rates = new HostRates();
  private readonly near: NeighbourGets;
  /** Of objects that nobody uses any more. */
  private readonly memory = sealedBuffers(FREE_MEMORIES_KEPT);

  constructor(private readonly options: ObjectFetcherOptions) {
    const { neighbours = null, clock, onEvent } = options;
    this.near = new NeighbourGets({ neighbours, clock, onEvent });
  }

  /** What came so far, by the way that it took. */
  get fetched(): Readonly<FetchedBytes> {
    return this.near.fetched;
  }

  /** Objects that will be fetched soon. */
  announce(objects: Iterable<ObjectToGet>, signal: AbortSignal): void {
    this.near.announce(objects, signal);
  }

  /** Ask for the tokens of several objects in one request; at most OBJECTS_PER_REQUEST_MAX. */
  async permissionsFor(objectIds: readonly ObjectId[], signal: AbortSignal): Promise<Map<ObjectId, ObjectToGet>> {
    const answer = await this.options.broker.beginGet(
      { objects: objectIds.map((objectId) => ({ objectId, avoid: [] })) },
      { signal },
    );
    return new Map(answer.objects.map((object) => [object.objectId, object]));
  }

  /**
   * The bytes of an object, the caller's until they are given back, if they ever are.
   *
   * throws   object_unavailable when fewer than k shards could be had, naming how many | interrupted
   */
  async fetch(object: ObjectToGet, signal: AbortSignal): Promise<Buffer> {
    checkShape(object);
    const { dataShards, totalShards, sizeBytes } = object;
    const shardBytes = shardBytesFor(sizeBytes, dataShards);
    // Data shards arrive where they belong in the object; only what is missing is computed and copied.
    const bytes = this.memory.take(dataShards * shardBytes);
    const placeOf = (index: number): Buffer => bytes.subarray(index * shardBytes, (index + 1) * shardBytes);
    const shards = await this.fetchShards(object, (index) => (index < dataShards ? placeOf(index) : undefined), signal);
    const missing = Array.from({ length: dataShards }, (_, index) => index).filter((index) => shards[index] === null);
    const rebuilt = codeOf(dataShards, totalShards).reconstruct(shards, missing);
    for (const [position, index] of missing.entries()) placeOf(index).set(rebuilt[position]!);
    return bytes.subarray(0, sizeBytes);
  }

  /** What `fetch` returned; nobody looks at it any more, and the next object may come into its place. */
  giveBack(bytes: Buffer): void {
    this.memory.give(bytes);
  }

  /** Every shard that can be had, by index, and why the others cannot. For a check that reads everything. */
  async fetchEveryShard(
    object: ObjectToGet,
    signal: AbortSignal,
  ): Promise<{ readonly shards: (Buffer | null)[]; readonly failures: ReadonlyMap<number, ErrorCode> }> {
    checkShape(object);
    const shards: (Buffer | null)[] = new Array(object.totalShards).fill(null);
    const failures = new Map<number, ErrorCode>();
    const reports: Report[] = [];
    await Promise.all(
      object.permissions.map(async (permission) => {
        const { bytes, report, failure } = await this.fetchShard({ permission, near: null }, signal);
        shards[permission.index] = bytes;
        if (failure !== null) failures.set(permission.index, failure);
        if (report !== null) reports.push(report);
      }),
    );
    if (signal.aborted) throw new ProtocolError('interrupted');
    await this.options.outbox.add(reports);
    return { shards, failures };
  }

  /** Race the hosts until k shards are there: k at first, one more for each that fails or keeps everybody waiting. */
  private async fetchShards(
    object: ObjectToGet,
    placeOf: (index: number) => Buffer | undefined,
    signal: AbortSignal,
  ): Promise<(Buffer | null)[]> {
    const needed = object.dataShards;
    const shards: (Buffer | null)[] = new Array(object.totalShards).fill(null);
    const near = await this.near.of(object, signal);
    const candidates: Source[] = [
      ...near.map((get) => ({ permission: get, near: get })),
      ...this.inOrderOfChoice(object).map((permission) => ({ permission, near: null })),
    ];
    const underWay = new Set<number>();
    const enough = new AbortController();
    const either = AbortSignal.any([signal, enough.signal]);
    const reports: Report[] = [];
    const running = new Set<Promise<void>>();
    let present = 0;

    const startNext = (): void => {
      // A neighbour and a host may have the same shard; it goes to one place in memory.
      const isWanted = ({ permission: { index } }: Source): boolean => shards[index] === null && !underWay.has(index);
      const position = either.aborted ? -1 : candidates.findIndex(isWanted);
      const [source] = position < 0 ? [] : candidates.splice(position, 1);
      if (source === undefined) return;
      const { permission } = source;
      underWay.add(permission.index);
      const transfer = this.fetchShard(source, either, placeOf(permission.index)).then(({ bytes, report }) => {
        running.delete(transfer);
        underWay.delete(permission.index);
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
        const cameInTime = await this.firstWithin(running, this.patienceMs(object));
        if (!cameInTime) startNext();
      }
    } finally {
      enough.abort();
      // Nobody may still write into the object's memory when its missing shards are computed.
      await Promise.allSettled(running);
    }
    if (signal.aborted) throw new ProtocolError('interrupted');
    await this.options.outbox.add(reports);
    if (present < needed) {
      throw new ProtocolError('object_unavailable', { objectId: object.objectId, present, needed });
    }
    return shards;
  }

  private patienceMs({ sizeBytes, dataShards }: ObjectToGet): number {
    const typical = this.rates.typical();
    const usualMs = typical === null ? 0 : (shardBytesFor(sizeBytes, dataShards) * 1000) / typical;
    const hostsMs = typical === null ? PATIENCE_MS_FIRST : Math.min(PATIENCE_FACTOR * usualMs, PATIENCE_MS_MAX);
    // Under a limit of our own a whole object may be what comes before the next shard of this one.
    const limit = this.options.downloadLimit?.() ?? null;
    const limitMs = limit === null ? 0 : (PATIENCE_FACTOR * sizeBytes * 1000) / limit;
    return Math.max(hostsMs, limitMs, PATIENCE_MS_MIN);
  }

  /** Fast hosts first; among those within a factor of two the data shards, which need no decoding. */
  private inOrderOfChoice(object: ObjectToGet): GetPermission[] {
    const speedOf = ({ host }: GetPermission): number => Math.floor(Math.log2(this.rates.of(host.peerId) + 1));
    return [...object.permissions].sort((left, right) => speedOf(right) - speedOf(left) || left.index - right.index);
  }

  private async fetchShard(
    { permission, near }: Source,
    signal: AbortSignal,
    into?: Buffer,
  ): Promise<{ bytes: Buffer | null; report: Report | null; failure: ErrorCode | null }> {
    const { host, token, cid, sizeBytes, transactionId } = permission;
    const { neighbours = null, hosts, clock } = this.options;
    const startMs = clock.monotonicMs();
    const watch = this.near.watch(cid, sizeBytes);
    try {
      const { bytes, receipt } = await (near === null ? hosts : neighbours!).getShard({
        host,
        token,
        cid,
        sizeBytes,
        transactionId,
        signal,
        onBytes: (count) => watch.moved(count),
        ...(into === undefined ? {} : { into }),
      });
      // A neighbour is no measure for hosts.
      if (near === null) this.measure(host.peerId, { sizeBytes, startMs, isWhole: true });
      this.near.came(cid, bytes, near === null ? 'direct' : 'lan');
      return { bytes, report: receipt === null ? null : { outcome: 'done', transactionId, receipt }, failure: null };
    } catch (error) {
      if (signal.aborted) {
        // Cut off by ourselves: others were faster, or the person stopped. It is at best as fast as it has shown, and
        // must not be preferred as one that nobody has measured: it would keep every object waiting.
        if (near === null) this.measure(host.peerId, { sizeBytes, startMs, isWhole: false });
        return { bytes: null, report: null, failure: null };
      }
      if (!isRefusal(error)) throw error;
      if (near === null) this.passBy(host.peerId, error);
      else this.near.failed(near, error.code);
      const at = formatTime(clock.nowMs());
      // Under a token of the broker's own choice the host may still be asked where it stands.
      const mayStillCome = near !== null && !near.isOwnTransaction;
      const report: Report | null = mayStillCome ? null : { outcome: 'failed', transactionId, code: error.code, at };
      return { bytes: null, report, failure: error.code };
    } finally {
      watch.end();
    }
  }

  private measure(
    peerId: PeerId,
    transfer: { readonly sizeBytes: number; readonly startMs: number; readonly isWhole: boolean },
  ): void {
    const { sizeBytes, startMs, isWhole } = transfer;
    const tookMs = this.options.clock.monotonicMs() - startMs;
    if (isWhole && sizeBytes >= MEASURED_BYTES_MIN) this.rates.measured(peerId, sizeBytes, tookMs);
    else if (tookMs >= MEASURED_MS_MIN) this.rates.keptWaiting(peerId, sizeBytes, tookMs);
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
      return await keepingAlive(Promise.race([patience, Promise.race(running).then(() => true)]));
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
