// Asks the broker for everything that this host should hold, part by part, and takes all of it or nothing.
import { Injectable } from '@nestjs/common';
import { BrokerClient } from '#broker-api';
import {
  type BloomFilter,
  type ContentId,
  type KeepFilterParts,
  keepPartOf,
  nodeSuite,
  ProtocolError,
  readKeepPart,
  type UnixMs,
} from '#protocol';
import { KEEP_LIST_BYTES_MAX } from '../limits.js';

export interface KeepList {
  /** The time and revision of the oldest of its parts. */
  readonly atMs: UnixMs;
  readonly revision: number;
  /** True for all that the host should hold, and for a few others. */
  has(cid: ContentId): boolean;
}

@Injectable()
export class AskKeepList {
  constructor(private readonly broker: BrokerClient) {}

  /** throws keep_filter_incomplete, and what the broker refuses with */
  async run(signal: AbortSignal): Promise<KeepList> {
    const filters: BloomFilter[] = [];
    let parts: KeepFilterParts | undefined;
    let atMs = Number.POSITIVE_INFINITY;
    let revision = Number.POSITIVE_INFINITY;
    let bytes = 0;
    for (let part = 0; part < (parts ?? 1); part++) {
      const answer = await this.broker.keepFilter({ part, ...(parts !== undefined && { parts }) }, { signal });
      const read = readKeepPart(nodeSuite, answer, { part, parts: parts ?? answer.parts });
      parts = answer.parts;
      atMs = Math.min(atMs, read.atMs);
      revision = Math.min(revision, answer.revision);
      bytes += read.filter.bytes.length;
      if (bytes > KEEP_LIST_BYTES_MAX) throw new ProtocolError('keep_filter_incomplete', { what: 'too large' });
      filters.push(read.filter);
    }
    return { atMs, revision, has: (cid) => filters[keepPartOf(cid, parts!)]!.has(cid) };
  }
}
