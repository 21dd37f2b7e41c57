/**
 * What neighbours say to each other, in bytes (SPEC §14.2). Pure.
 *
 *   offset  size  field
 *   0       1     type: 1 need, 2 have, 3 found, 4 downloading, 5 progress
 *   1       1     method: 1 get, 2 post, 3 update
 *   2       16    task id, random, of whoever needs something; the same in all messages about it
 *   18      16    peer id of the sender
 *   34      6     time, Unix ms
 *   40            by type:
 *   need          1 byte n, then n subjects of 32 bytes each
 *   have          4 bytes which; 1 byte 4 or 6, address of 4 or 16 bytes, port of 2; 2 bytes n, n bytes of approval
 *   found         4 bytes which
 *   downloading   4 bytes which; 6 bytes done, 6 bytes of all
 *   progress      as downloading
 *
 * Numbers are big-endian. `which` has bit i (of value 2^i) for subject i of the need. A subject is 32 bytes: of `get` a
 * content id, of the others a SHA-256 of what is meant.
 */
import { strict as assert } from 'node:assert';
import {
  concatBytes,
  decodeBase64url,
  decodeHex,
  encodeBase64url,
  encodeHex,
  formatAlias,
  isUuidV7,
  LAN_TASK_ID_BYTES,
  type PeerId,
  parseAlias,
  STATEMENT_TEXT_BYTES_MAX,
  type UnixMs,
  utf8,
} from '#protocol';
import { bytesOfAddress, textOfAddress } from './address-bytes.js';
import { LAN_SUBJECTS_MAX } from './lan-rules.js';

export const LAN_METHODS = ['get', 'post', 'update'] as const;
export type LanMethod = (typeof LAN_METHODS)[number];

/** base64url of 32 bytes. */
export type LanSubject = string;

interface Head {
  readonly method: LanMethod;
  /** base64url of 16 bytes. */
  readonly taskId: string;
  readonly senderId: PeerId;
  readonly timeMs: UnixMs;
}

/** Positions in the need's list, ascending; at least one. */
interface About extends Head {
  readonly which: readonly number[];
}

export interface NeedMessage extends Head {
  readonly type: 'need';
  readonly subjects: readonly LanSubject[];
}

export interface HaveMessage extends About {
  readonly type: 'have';
  /** `address:port`, as the approval has it. */
  readonly alias: string;
  /** Null from a neighbour that the broker could not be asked by. */
  readonly approval: string | null;
}

export interface FoundMessage extends About {
  readonly type: 'found';
}

export interface ProgressMessage extends About {
  readonly type: 'downloading' | 'progress';
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export type LanMessage = NeedMessage | HaveMessage | FoundMessage | ProgressMessage;

const TYPES = ['need', 'have', 'found', 'downloading', 'progress'] as const;
const HEAD_BYTES = 40;
const SUBJECT_BYTES = 32;
const PEER_ID_BYTES = 16;
const TIME_MAX = 2 ** 48 - 1;
const PRINTABLE = /^[!-~]+$/;

/** message: sound, as the types say */
export function encodeLanMessage(message: LanMessage): Uint8Array {
  const head = Buffer.alloc(HEAD_BYTES);
  head[0] = TYPES.indexOf(message.type) + 1;
  head[1] = LAN_METHODS.indexOf(message.method) + 1;
  head.set(bytesOf(message.taskId, LAN_TASK_ID_BYTES), 2);
  head.set(decodeHex(message.senderId.replaceAll('-', ''))!, 18);
  head.writeUIntBE(message.timeMs, 34, 6);
  return concatBytes(head, bodyOf(message));
}

/** Null for bytes that encodeLanMessage does not make. */
export function decodeLanMessage(bytes: Uint8Array): LanMessage | null {
  const reader = new Reader(bytes);
  const type = TYPES[reader.uint(1) - 1];
  const method = LAN_METHODS[reader.uint(1) - 1];
  const taskId = encodeBase64url(reader.bytes(LAN_TASK_ID_BYTES));
  const senderId = peerIdFrom(reader.bytes(PEER_ID_BYTES));
  const timeMs = reader.uint(6);
  if (type === undefined || method === undefined || senderId === null) return null;
  const message = readBody(type, { method, taskId, senderId, timeMs }, reader);
  return message !== null && reader.isAtEnd ? message : null;
}

function bodyOf(message: LanMessage): Uint8Array {
  switch (message.type) {
    case 'need': {
      const { subjects } = message;
      assert(subjects.length > 0 && subjects.length <= LAN_SUBJECTS_MAX);
      return concatBytes(Uint8Array.of(subjects.length), ...subjects.map((subject) => bytesOf(subject, SUBJECT_BYTES)));
    }
    case 'have': {
      const alias = parseAlias(message.alias);
      assert(alias !== null);
      const address = bytesOfAddress(alias.address);
      const approval = utf8(message.approval ?? '');
      assert(approval.length <= STATEMENT_TEXT_BYTES_MAX);
      return concatBytes(
        whichBytes(message.which),
        Uint8Array.of(address.length === 4 ? 4 : 6),
        address,
        uintBytes(alias.port, 2),
        uintBytes(approval.length, 2),
        approval,
      );
    }
    case 'found':
      return whichBytes(message.which);
    default:
      assert(message.doneBytes <= message.totalBytes && message.totalBytes <= TIME_MAX);
      return concatBytes(whichBytes(message.which), uintBytes(message.doneBytes, 6), uintBytes(message.totalBytes, 6));
  }
}

function readBody(type: LanMessage['type'], head: Head, reader: Reader): LanMessage | null {
  if (type === 'need') {
    const count = reader.uint(1);
    if (count === 0 || count > LAN_SUBJECTS_MAX) return null;
    const subjects = Array.from({ length: count }, () => encodeBase64url(reader.bytes(SUBJECT_BYTES)));
    return { type, ...head, subjects };
  }
  const which = whichFrom(reader.uint(4));
  if (which.length === 0) return null;
  if (type === 'found') return { type, ...head, which };
  if (type === 'have') {
    const family = reader.uint(1);
    if (family !== 4 && family !== 6) return null;
    const address = textOfAddress(reader.bytes(family === 4 ? 4 : 16));
    const alias = formatAlias({ address, port: reader.uint(2) });
    const text = Buffer.from(reader.bytes(reader.uint(2))).toString('latin1');
    if (text !== '' && !PRINTABLE.test(text)) return null;
    return parseAlias(alias) === null ? null : { type, ...head, which, alias, approval: text === '' ? null : text };
  }
  const doneBytes = reader.uint(6);
  const totalBytes = reader.uint(6);
  return doneBytes > totalBytes ? null : { type, ...head, which, doneBytes, totalBytes };
}

/** Reads on past the end as zeros; `isAtEnd` is then false for ever. */
class Reader {
  private offset = 0;

  constructor(private readonly from: Uint8Array) {}

  get isAtEnd(): boolean {
    return this.offset === this.from.length;
  }

  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    bytes.set(this.from.subarray(this.offset, this.offset + count));
    this.offset += count;
    return bytes;
  }

  uint(count: 1 | 2 | 4 | 6): number {
    return Buffer.from(this.bytes(count)).readUIntBE(0, count);
  }
}

function whichBytes(which: readonly number[]): Uint8Array {
  assert(which.length > 0 && which.every((i) => i >= 0 && i < LAN_SUBJECTS_MAX));
  return uintBytes(
    which.reduce((sum, i) => sum + 2 ** i, 0),
    4,
  );
}

function whichFrom(bits: number): number[] {
  return Array.from({ length: LAN_SUBJECTS_MAX }, (_, i) => i).filter((i) => Math.floor(bits / 2 ** i) % 2 === 1);
}

function uintBytes(value: number, count: 2 | 4 | 6): Uint8Array {
  const bytes = Buffer.alloc(count);
  bytes.writeUIntBE(value, 0, count);
  return bytes;
}

function bytesOf(text: string, length: number): Uint8Array {
  const bytes = decodeBase64url(text);
  assert(bytes?.length === length);
  return bytes;
}

function peerIdFrom(bytes: Uint8Array): PeerId | null {
  const hex = encodeHex(bytes);
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
  const id = parts.join('-');
  return isUuidV7(id) ? (id as PeerId) : null;
}
