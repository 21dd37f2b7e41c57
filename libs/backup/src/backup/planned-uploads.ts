// What the objects of a dry run would take on hosts: nothing is sent, and the sums are those of a real run.
import type { PutWish } from '#broker-api';
import { shardBytesFor } from '#erasure';
import type { Redundancy } from '#protocol';
import type { SealedObject } from '../objects/object-builder.js';
import type { BrokerPort } from '../ports.js';
import type { StoredObject } from '../put/object-uploader.js';

/** Stands where an ObjectUploader stands. */
export class PlannedUploads {
  readonly hosts: ReadonlySet<never> = new Set();
  private redundancy: Promise<Redundancy> | null = null;

  constructor(
    private readonly broker: Pick<BrokerPort, 'redundancy'>,
    private readonly wanted: PutWish = {},
  ) {}

  /** throws broker_unreachable | not_enough_hosts | ... */
  async store({ objectId, bytes }: SealedObject, signal: AbortSignal): Promise<StoredObject> {
    this.redundancy ??= this.broker.redundancy({ signal, ...this.wanted });
    const { dataShards, totalShards } = await this.redundancy;
    const storedBytes = totalShards * shardBytesFor(bytes.length, dataShards);
    return { objectId, storedShards: totalShards, totalShards, storedBytes };
  }
}
