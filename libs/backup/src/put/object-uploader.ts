// Brings one object to its hosts: ask the broker, put every shard, replace the hosts that fail.
import {
  type BeginPutAnswer,
  formatTime,
  isRefusal,
  type ObjectId,
  type PeerId,
  ProtocolError,
  type PutPermission,
  type Redundancy,
  type Report,
} from '#protocol';
import type { SealedObject } from '../objects/object-builder.js';
import type { BrokerPort, HostsPort, OnEvent } from '../ports.js';
import { type CodedObject, codeObject } from './code-object.js';
import type { ReportOutbox } from './report-outbox.js';

/** Each round asks for new hosts for what is missing; hosts that failed are avoided. */
const ROUNDS_MAX = 6;
/** A policy that changes more often than this while one object is coded is a fault of the broker. */
const RECODINGS_MAX = 3;

export interface StoredObject {
  readonly objectId: ObjectId;
  readonly storedShards: number;
  readonly totalShards: number;
  readonly storedBytes: number;
}

interface PutOutcome {
  readonly permission: PutPermission;
  readonly error: ProtocolError | null;
  /** Null for a transfer that we cut off ourselves: it says nothing about the host. */
  readonly report: Report | null;
}

export class ObjectUploader {
  /** Every host that holds something of this run. */
  readonly hosts = new Set<PeerId>();
  private redundancy: Redundancy | null = null;

  constructor(
    private readonly ports: {
      readonly broker: BrokerPort;
      readonly hosts: HostsPort;
      readonly outbox: ReportOutbox;
      readonly nowMs: () => number;
      readonly onEvent: OnEvent;
    },
  ) {}

  /**
   * Store an object on as many hosts as the policy's code has shards. Resolves when enough of them have given a
   * receipt, and the receipts are durable in the outbox.
   *
   * throws   not_enough_hosts | credit_exceeded | broker_unreachable | interrupted | local_disk | ...
   */
  async store(object: SealedObject, signal: AbortSignal): Promise<StoredObject> {
    for (let recodings = 0; ; recodings++) {
      this.redundancy ??= await this.ports.broker.redundancy({ signal });
      try {
        return await this.placeShards(codeObject(object, this.redundancy), signal);
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
      const answer = await this.askFor(coded, missing, avoid, signal).catch((error: unknown) => {
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

  private async askFor(
    coded: CodedObject,
    missing: ReadonlySet<number>,
    avoid: ReadonlySet<PeerId>,
    signal: AbortSignal,
  ): Promise<BeginPutAnswer['objects'][number]> {
    const { object, dataShards, totalShards } = coded;
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
            avoid: [...avoid],
          },
        ],
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
    const outcomes = await Promise.all(
      answer.permissions.map((permission) => this.putShard(coded, permission, signal)),
    );
    await this.ports.outbox.add(outcomes.flatMap(({ report }) => (report === null ? [] : [report])));
    if (signal.aborted) throw new ProtocolError('interrupted');
    for (const { permission, error } of outcomes) {
      const { peerId } = permission.host;
      if (error === null) {
        this.hosts.add(peerId);
        continue;
      }
      missing.add(permission.index);
      // A host that restarted is as good as before: only its token is old.
      if (error.code !== 'token_predates_restart') avoid.add(peerId);
      this.ports.onEvent({ kind: 'host-failed', peerId, code: error.code });
    }
    return missing;
  }

  private async putShard(coded: CodedObject, permission: PutPermission, signal: AbortSignal): Promise<PutOutcome> {
    const { index, transactionId, host, token } = permission;
    const shard = coded.shards[index];
    if (shard === undefined) throw new ProtocolError('answer_untrusted');
    try {
      const { receipt } = await this.ports.hosts.putShard({
        host,
        token,
        cid: shard.cid,
        bytes: coded.bytes[index]!,
        transactionId,
        signal,
      });
      return { permission, error: null, report: { outcome: 'done', transactionId, receipt } };
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
