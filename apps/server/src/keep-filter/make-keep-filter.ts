// Makes the keep-filter of a host, or a part of it (SPEC §8.4): what the host should hold, in few bits.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock, Log } from '#process';
import {
  BloomFilter,
  encodeBase64url,
  filterShape,
  formatTime,
  KEEP_FILTER_PARTS,
  KEEP_FILTER_SEED_BYTES,
  type KeepFilterAnswer,
  type KeepFilterParts,
  type KeepFilterRequest,
  keepPartHash,
  keepPrefix,
  nodeSuite,
  type PeerId,
  ProtocolError,
} from '#protocol';
import { KEEP_FILTERS_AT_ONCE_MAX } from '../limits.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { KeepFilterRates } from './keep-filter-rates.js';
import { countKnownContents, knownContents } from './known-contents.js';

/** Content ids come evenly over the parts, and some more may come while a filter is made. */
const PART_FILLED_MAX = 0.5;

@Injectable()
export class MakeKeepFilter {
  private readonly rates = new KeepFilterRates();
  private underWay = 0;

  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly settings: Settings,
    private readonly log: Log,
  ) {}

  /**
   * throws   request_invalid: no part of that many; overloaded: it is off, many are made already, or the host holds more
   *          than all parts can tell; rate_exceeded
   */
  async run(hostId: PeerId, { part, parts }: KeepFilterRequest): Promise<KeepFilterAnswer> {
    if (parts === undefined ? part !== 0 : part >= parts) {
      throw new ProtocolError('request_invalid', {}, { detail: 'part: not one of parts' });
    }
    const { on, perHostPerDay } = this.settings.policy.keepFilter;
    if (!on || this.underWay >= KEEP_FILTERS_AT_ONCE_MAX) throw new ProtocolError('overloaded');
    this.rates.count(hostId, { part, parts: parts ?? 1 }, perHostPerDay, this.clock.nowMs());
    this.underWay++;
    try {
      return await this.make(hostId, part, parts ?? (await this.partsFor(hostId)));
    } finally {
      this.underWay--;
    }
  }

  private async make(hostId: PeerId, part: number, parts: KeepFilterParts): Promise<KeepFilterAnswer> {
    const { reads } = this.database;
    // Before anything is read: what is permitted from now on is later than this filter.
    const at = formatTime(this.clock.nowMs());
    const of = { hostId, prefix: keepPrefix(part, parts) };
    const revision = await revisionOf(reads);
    const shape = filterShape(await countKnownContents(reads, of), this.settings.policy.keepFilter.falsePositives);
    if (shape === null) throw new ProtocolError('overloaded');
    const seed = randomBytes(KEEP_FILTER_SEED_BYTES);
    const filter = BloomFilter.empty(nodeSuite, shape, seed);
    let cids = 0;
    for await (const page of knownContents(reads, of)) {
      for (const cid of page) if (filter.add(cid)) cids++;
    }
    this.log.debug({ event: 'keep_filter_made', hostId, part, parts, cids, bytes: filter.bytes.length });
    const head = { part, parts, at, revision, cids, seed: encodeBase64url(seed), hashes: shape.hashes };
    const sha256 = encodeBase64url(keepPartHash(nodeSuite, head, filter.bytes));
    return { ...head, filter: encodeBase64url(filter.bytes), sha256 };
  }

  private async partsFor(hostId: PeerId): Promise<KeepFilterParts> {
    const count = await countKnownContents(this.database.reads, { hostId, prefix: '' });
    const { falsePositives } = this.settings.policy.keepFilter;
    const fits = (parts: number): boolean =>
      filterShape(Math.ceil(count / parts / PART_FILLED_MAX), falsePositives) !== null;
    const parts = KEEP_FILTER_PARTS.find(fits);
    if (parts === undefined) throw new ProtocolError('overloaded');
    return parts;
  }
}

/** The number of the last entry of the ledger: it grows with all that is stored, and never goes back. */
async function revisionOf(reads: EntityManager): Promise<number> {
  const [row] = await reads.query<{ seq: number | string }[]>('SELECT seq FROM ledger_head WHERE id = 1');
  return Number(row?.seq ?? 0);
}
