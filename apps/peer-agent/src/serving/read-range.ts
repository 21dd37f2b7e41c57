// The Range header of a request for a part of a shard (RFC 9110 §14): one range of bytes, no more. Pure.
import { ProtocolError } from '#protocol';
import type { ShardPart } from '../shards/read-verified.js';

export type ByteRange = Pick<ShardPart, 'start' | 'end'>;

const ONE_RANGE = /^bytes=(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))$/i;

/**
 * `a-b`, `a-` and `-n`, cut to the shard. RFC 9110 lets a server ignore a range that is malformed; here that would send
 * a whole shard to a peer that paid for a part of it, so it is refused.
 *
 * throws   range_invalid, with the size of the shard in the facts
 */
export function readRange(header: string, sizeBytes: number): ByteRange {
  const match = ONE_RANGE.exec(header);
  if (match === null) throw new ProtocolError('range_invalid', { sizeBytes });
  const [, first, last, suffix] = match;
  const start = suffix === undefined ? Number(first) : Math.max(0, sizeBytes - Number(suffix));
  const end = last === undefined || last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes);
  if (start >= end) throw new ProtocolError('range_invalid', { sizeBytes });
  return { start, end };
}

/** The value of Content-Range. */
export function contentRange({ start, end }: ByteRange, sizeBytes: number): string {
  return `bytes ${start}-${end - 1}/${sizeBytes}`;
}
