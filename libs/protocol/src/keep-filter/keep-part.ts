// One part of a keep-filter as it travels: which content ids it is about, and whether it is what it says. Pure.
import { concatBytes, decodeBase64url, encodeBase64url, utf8 } from '../bytes.js';
import type { CryptoSuite } from '../crypto/suite.js';
import { ProtocolError } from '../errors.js';
import { KEEP_FILTER_PARTS } from '../limits.js';
import type { ContentId } from '../messages/fields.js';
import type { KeepFilterAnswer } from '../messages/keep-filter.js';
import { parseTime, type UnixMs } from '../time.js';
import { BloomFilter } from './bloom-filter.js';

export type KeepFilterParts = (typeof KEEP_FILTER_PARTS)[number];

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** Content ids that the filter mistook for others when it was made are not in its count: that many, at its coarsest. */
const MISTAKEN_SHARE = 0.05;
const DEVIATIONS = 5;
const SLACK = 2;

/** With what the content ids of a part begin: nothing, or one or two characters of base64url. */
export function keepPrefix(part: number, parts: KeepFilterParts): string {
  if (parts === 1) return '';
  if (parts === 64) return ALPHABET[part]!;
  return ALPHABET[part >> 6]! + ALPHABET[part & 63]!;
}

/** The part that a content id is in. */
export function keepPartOf(cid: ContentId, parts: KeepFilterParts): number {
  if (parts === 1) return 0;
  const first = ALPHABET.indexOf(cid[0]!);
  return parts === 64 ? first : first * 64 + ALPHABET.indexOf(cid[1]!);
}

/** SHA-256 of a line of JSON, a line feed and the bits of the filter. */
export function keepPartHash(
  suite: Pick<CryptoSuite, 'sha256'>,
  { part, parts, at, revision, cids, seed, hashes }: Omit<KeepFilterAnswer, 'filter' | 'sha256'>,
  filter: Uint8Array,
): Uint8Array {
  const head = JSON.stringify(['keep-filter', part, parts, at, revision, cids, seed, hashes]);
  return suite.sha256(concatBytes(utf8(`${head}\n`), filter));
}

/**
 * A part that was asked for, whole and as it was made.
 *
 * throws   keep_filter_incomplete: another part, other bits than its hash says, or fewer or more content ids in its bits than
 *          it says
 */
export function readKeepPart(
  suite: Pick<CryptoSuite, 'sha256'>,
  answer: KeepFilterAnswer,
  asked: { readonly part: number; readonly parts: KeepFilterParts },
): { readonly filter: BloomFilter; readonly atMs: UnixMs } {
  const { hashes, cids } = answer;
  const bytes = decodeBase64url(answer.filter);
  const seed = decodeBase64url(answer.seed);
  const atMs = parseTime(answer.at);
  if (bytes === null || seed === null || atMs === null) throw incomplete('not readable');
  if (answer.part !== asked.part || answer.parts !== asked.parts || answer.part >= answer.parts)
    throw incomplete('another part');
  if (encodeBase64url(keepPartHash(suite, answer, bytes)) !== answer.sha256) throw incomplete('another hash');
  const filter = BloomFilter.of(suite, { bytes, hashes, seed });
  const difference = Math.abs(filter.estimate() - cids);
  if (!(difference <= estimateError(cids, bytes.length * 8, hashes))) throw incomplete('another count');
  if (cids > 0 && filter.estimate() === 0) throw incomplete('nothing in it');
  return { filter, atMs };
}

/** By how much the estimate of an honest part may be off: the deviation of how many bits are set, as of balls in bins. */
function estimateError(cids: number, bits: number, hashes: number): number {
  const load = (cids * hashes) / bits;
  const deviation = (bits / hashes) * Math.sqrt((Math.exp(load) - 1 - load) / bits);
  return SLACK + MISTAKEN_SHARE * cids + DEVIATIONS * deviation;
}

function incomplete(what: string): ProtocolError {
  return new ProtocolError('keep_filter_incomplete', { what });
}
