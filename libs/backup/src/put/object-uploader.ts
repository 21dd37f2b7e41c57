// Brings one object to its hosts: ask the broker, put every shard, replace the hosts that fail.
import type { PutWish } from '#broker-api';
import type { Clock } from '#process';
import {
  type BeginPutAnswer,
  formatTime,
  isHostToAvoid,
  isRefusal,
  type ObjectId,
  type PeerId,
  ProtocolError,
  type PutPermission,
  type Redundancy,
  SHARDS_PER_OBJECT_MAX,
} from '#protocol';
import { OBJECT_PADDED_BYTES_MAX } from '../limits.js';
import { BufferPool } from '../objects/buffer-pool.js';
import type { SealedObject } from '../objects/object-builder.js';
import type { BrokerPort, HostsPort, OnEvent } from '../ports.js';
import { type CodedObject, codeObject } from './code-object.js';
import { HedgeBudget } from './hedge-budget.js';
import { type PutOutcome, putAndHedge } from './hedged-puts.js';
import type { ReportOutbox } from './report-outbox.js';

/** Each round asks for new hosts for what is missing; hosts that failed are avoided. */
const ROUNDS_MAX = 6;
/** A policy that changes more often than this while one object is coded is a fault of the broker. */
const RECODINGS_MAX = 3;
/** Of objects that travel at once; a shard of more than half an object is rare, and then not kept. */
const PARITY_BUFFERS_KEPT = 8;
const PARITY_BUFFER_BYTES_MIN = 1024 * 1024;

export interface StoredObject {
  readonly objectId: ObjectId;
  readonly storedShards: number;
  readonly totalShards: number;
  readonly storedBytes: number;
}

export class ObjectUploader {
  /** Every host that holds something of this run. */
  readonly hosts = new Set<PeerId>();
  private redundancy: Redundancy | null = null;
  private readonly hedges: HedgeBudget;
  private readonly parityBuffers = new BufferPool({
    slabBytes: OBJECT_PADDED_BYTES_MAX / 2,
    keptMax: PARITY_BUFFERS_KEPT,
    takenMin: PARITY_BUFFER_BYTES_MIN,
  });

  constructor(
    private readonly ports: {
      readonly broker: BrokerPort;
      readonly hosts: HostsPort;
      readonly outbox: ReportOutbox;
      readonly clock: Clock;
      readonly nowMs: () => number;
      readonly onEvent: OnEvent;
      /** Bytes a second that may be sent at this time; null, or nothing, is no limit. */
      readonly uploadLimit?: () => number | null;
      /** Nobody deletes the objects before then (`backup --retain`), as a time on the wire. */
      readonly retainUntil?: string;
      /** How new objects are to be kept. */
      readonly wanted?: PutWish;
    },
  ) {
    this.hedges = new HedgeBudget(ports.clock, () => (ports.uploadLimit?.() ?? null) === null);
  }

  /**
   * Store an object on as many hosts as the policy's code has shards. Resolves when enough of them have given a
   * receipt, and the receipts are durable in the outbox.
   *
   * throws   not_enough_hosts | credit_exceeded | broker_unreachable | interrupted | local_disk | ...
   */
  async store(object: SealedObject, signal: AbortSignal): Promise<StoredObject> {
    for (let recodings = 0; ; recodings++) {
      this.redundancy ??= await this.ports.broker.redundancy({ signal, ...this.ports.wanted });
      try {
        const coded = codeObject(object, this.redundancy, (sizeBytes) => this.parityBuffers.take(sizeBytes));
        const stored = await this.placeShards(coded, signal);
        // Every transfer has ended. After a failure somebody might still send.
        for (const parity of coded.parity) this.parityBuffers.give(parity);
        return stored;
      } catch (error) {
        if (!isRefusal(error, 'redundancy_changed') || recodings >= RECODINGS_MAX) throw error;
        this.redundancy = null;
      }
    }
  }

  private async placeShards(coded: CodedObject, signal: AbortSignal): Promise<StoredObject> {
    const avoid = new Set<PeerId>();
    let missing = new Set(coded.shards.map(({ index }) => index));
    let safeShards = coded.totalShards;
    for (let round = 0; round < ROUNDS_MAX && missing.size > 0; round++) {
      const asking = round === 0 ? this.askFirst(coded, missing, signal) : this.askFor(coded, missing, avoid, signal);
      const answer = await asking.catch((error: unknown) => {
        // The first answer decides; later ones only complete an object that may be safe as it is.
        if (round > 0 && isRefusal(error, 'not_enough_hosts')) return null;
        throw error;
      });
      if (answer === null) break;
      safeShards = answer.safeShards;
      missing = await this.putShards(coded, answer, avoid, signal);
      if (answer.permissions.length === 0) break;
    }
    return this.conclude(coded, missing.size, safeShards);
  }

  /** Hosts that have kept others waiting are passed by, as long as there are enough without them. */
  private async askFirst(
    coded: CodedObject,
    missing: ReadonlySet<number>,
    signal: AbortSignal,
  ): Promise<BeginPutAnswer['objects'][number]> {
    const slow = new Set(this.hedges.slowHosts());
    try {
      const answer = await this.askFor(coded, missing, slow, signal);
      if (answer.unplaced.length > 0) this.hedges.forgive();
      return answer;
    } catch (error) {
      if (slow.size === 0 || !isRefusal(error, 'not_enough_hosts')) throw error;
      this.hedges.forgive();
      return this.askFor(coded, missing, new Set(), signal);
    }
  }

  private async askFor(
    coded: CodedObject,
    missing: ReadonlySet<number>,
    avoid: ReadonlySet<PeerId>,
    signal: AbortSignal,
  ): Promise<BeginPutAnswer['objects'][number]> {
    const { object, dataShards, totalShards } = coded;
    const { retainUntil } = this.ports;
    const answer = await this.ports.broker.beginPut(
      {
        objects: [
          {
            objectId: object.objectId,
            kind: object.kind,
            sizeBytes: object.bytes.length,
            dataShards,
            totalShards,
            shards: coded.shards.filter(({ index }) => missing.has(index)),
            avoid: [...avoid].slice(0, SHARDS_PER_OBJECT_MAX),
            ...(retainUntil !== undefined && { retainUntil }),
          },
        ],
        ...this.ports.wanted,
      },
      { signal },
    );
    const [answered] = answer.objects;
    if (answered?.objectId !== object.objectId) throw new ProtocolError('answer_untrusted');
    // Fewer could not be put together again, whatever the broker calls safe.
    if (answered.safeShards < dataShards) throw new ProtocolError('answer_untrusted', { reason: 'safe shards' });
    return answered;
  }

  /** Put what was permitted, all at once; returns the shards that still have no host. */
  private async putShards(
    coded: CodedObject,
    answer: BeginPutAnswer['objects'][number],
    avoid: Set<PeerId>,
    signal: AbortSignal,
  ): Promise<Set<number>> {
    const missing = new Set(answer.unplaced);
    const outcomes = await putAndHedge(answer.permissions, signal, {
      clock: this.ports.clock,
      budget: this.hedges,
      put: (permission, cutOff) => this.putShard(coded, permission, cutOff),
      askSpare: (index, hosts) => this.askSpare(coded, index, new Set([...avoid, ...hosts]), signal),
    });
    await this.ports.outbox.add(outcomes.flatMap(({ report }) => (report === null ? [] : [report])));
    if (signal.aborted) throw new ProtocolError('interrupted');
    const stored = new Set<number>();
    for (const { permission, error } of outcomes) {
      const { peerId } = permission.host;
      if (error === null) {
        this.hosts.add(peerId);
        stored.add(permission.index);
        continue;
      }
      missing.add(permission.index);
      // One that we cut off has lost a race, and failed in nothing.
      if (error.code === 'interrupted') continue;
      if (isHostToAvoid(error.code)) avoid.add(peerId);
      this.ports.onEvent({ kind: 'host-failed', peerId, code: error.code });
    }
    return new Set([...missing].filter((index) => !stored.has(index)));
  }

  /** Null when nobody else has a place, or the account cannot pay for a second one. */
  private async askSpare(
    coded: CodedObject,
    index: number,
    avoid: ReadonlySet<PeerId>,
    signal: AbortSignal,
  ): Promise<PutPermission | null> {
    try {
      const { permissions } = await this.askFor(coded, new Set([index]), avoid, signal);
      return permissions.find((permission) => permission.index === index) ?? null;
    } catch (error) {
      // The put under way goes on: whatever is wrong with the broker is found out by the next object.
      if (isRefusal(error)) return null;
      throw error;
    }
  }

  private async putShard(coded: CodedObject, permission: PutPermission, signal: AbortSignal): Promise<PutOutcome> {
    const { index, transactionId, host, token } = permission;
    const shard = coded.shards[index];
    if (shard === undefined) throw new ProtocolError('answer_untrusted');
    const startMs = this.ports.nowMs();
    try {
      const { receipt } = await this.ports.hosts.putShard({
        host,
        token,
        cid: shard.cid,
        bytes: coded.bytes[index]!,
        transactionId,
        signal,
      });
      const tookMs = Math.round(this.ports.nowMs() - startMs);
      const measured = tookMs > 0 ? { tookMs } : {};
      return { permission, error: null, report: { outcome: 'done', transactionId, receipt, ...measured } };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (error.code === 'interrupted') return { permission, error, report: null };
      const at = formatTime(this.ports.nowMs());
      return { permission, error, report: { outcome: 'failed', transactionId, code: error.code, at } };
    }
  }

  private conclude(coded: CodedObject, missingShards: number, safeShards: number): StoredObject {
    const storedShards = coded.totalShards - missingShards;
    const shardBytes = coded.bytes[0]!.length;
    if (storedShards < safeShards) {
      throw new ProtocolError('not_enough_hosts', { storedShards, safeShards, totalShards: coded.totalShards });
    }
    if (missingShards > 0) {
      this.ports.onEvent({
        kind: 'warning',
        code: 'not_enough_hosts',
        detail: `an object is on ${storedShards} of ${coded.totalShards} hosts: safe, but with less to spare`,
      });
    }
    return {
      objectId: coded.object.objectId,
      storedShards,
      totalShards: coded.totalShards,
      storedBytes: storedShards * shardBytes,
    };
  }
}
