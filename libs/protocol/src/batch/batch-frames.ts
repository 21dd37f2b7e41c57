/**
 * The bytes around a batch (SPEC §8.1). Pure.
 *
 *   the body of `POST /batch`                       the answer to a get batch: frames, one after another
 *   offset  size  field                             offset  size  field
 *   0       4     length n of the token text        0       1     type
 *   4       n     the token text                    1       4     length n of the payload
 *   4 + n         of a put: the items' bytes        5       n     payload
 *
 * Numbers are big-endian.
 */
import { strict as assert } from 'node:assert';
import { concatBytes, utf8 } from '../bytes.js';
import { ProtocolError } from '../errors.js';
import { BATCH_RECEIPT_TEXT_BYTES_MAX, BATCH_TOKEN_TEXT_BYTES_MAX } from '../limits.js';

/** How many items the client has, or has sent: a request header. Absent: 0. */
export const BATCH_POSITION_FIELD = 'peerkeep-batch-position';
export const BATCH_CONTENT_TYPE = 'application/peerkeep-batch';
export const BATCH_HEAD_BYTES = 4;
export const BATCH_FRAME_HEAD_BYTES = 5;

/** Types of frames: bytes of the present item; it is whole; it failed (the code); the receipt, which is the last frame. */
export const BATCH_FRAMES = { bytes: 0, whole: 1, failed: 2, receipt: 3 } as const;
export type BatchFrameKind = keyof typeof BATCH_FRAMES;

const PAYLOAD_BYTES_MAX = {
  bytes: 1024 * 1024,
  whole: 0,
  failed: 64,
  receipt: BATCH_RECEIPT_TEXT_BYTES_MAX,
} as const satisfies Record<BatchFrameKind, number>;
export const BATCH_FRAME_BYTES_MAX = PAYLOAD_BYTES_MAX.bytes;

const KINDS = Object.keys(BATCH_FRAMES) as BatchFrameKind[];

/** The length and the text of the token, with which every batch begins. */
export function encodeBatchHead(token: string): Uint8Array {
  assert(token.length >= 1 && token.length <= BATCH_TOKEN_TEXT_BYTES_MAX);
  const length = Buffer.alloc(BATCH_HEAD_BYTES);
  length.writeUInt32BE(token.length);
  return concatBytes(length, utf8(token));
}

export function encodeFrameHead(kind: BatchFrameKind, payloadBytes: number): Uint8Array {
  assert(payloadBytes <= PAYLOAD_BYTES_MAX[kind]);
  const head = Buffer.alloc(BATCH_FRAME_HEAD_BYTES);
  head.writeUInt8(BATCH_FRAMES[kind]);
  head.writeUInt32BE(payloadBytes, 1);
  return head;
}

export type BatchFrame =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'whole' }
  | { readonly kind: 'failed' | 'receipt'; readonly text: string };

/** Frames out of a stream of pieces of any size. Item bytes are given on as they come; at most one small payload is kept. */
export class BatchFrameReader {
  private readonly head = Buffer.alloc(BATCH_FRAME_HEAD_BYTES);
  private headBytes = 0;
  private kind: BatchFrameKind = 'bytes';
  private payloadLeft = 0;
  private gathered: Uint8Array[] = [];

  /** Throws request_invalid where the bytes are no frames. */
  *read(piece: Uint8Array): Generator<BatchFrame, void, undefined> {
    let rest = piece;
    while (rest.length > 0) {
      rest = this.headBytes < BATCH_FRAME_HEAD_BYTES ? this.readHead(rest) : rest;
      if (this.headBytes < BATCH_FRAME_HEAD_BYTES) return;
      const part = rest.subarray(0, this.payloadLeft);
      rest = rest.subarray(part.length);
      this.payloadLeft -= part.length;
      if (this.kind === 'bytes' && part.length > 0) yield { kind: 'bytes', bytes: part };
      else if (part.length > 0) this.gathered.push(Uint8Array.from(part));
      if (this.payloadLeft > 0) return;
      this.headBytes = 0;
      if (this.kind !== 'bytes') yield this.gatheredFrame(this.kind);
    }
  }

  private readHead(piece: Uint8Array): Uint8Array {
    const part = piece.subarray(0, BATCH_FRAME_HEAD_BYTES - this.headBytes);
    this.head.set(part, this.headBytes);
    this.headBytes += part.length;
    if (this.headBytes === BATCH_FRAME_HEAD_BYTES) {
      const kind = KINDS.find((name) => BATCH_FRAMES[name] === this.head[0]);
      this.payloadLeft = this.head.readUInt32BE(1);
      if (kind === undefined || this.payloadLeft > PAYLOAD_BYTES_MAX[kind]) throw new ProtocolError('request_invalid');
      this.kind = kind;
    }
    return piece.subarray(part.length);
  }

  private gatheredFrame(kind: 'whole' | 'failed' | 'receipt'): BatchFrame {
    const text = Buffer.concat(this.gathered).toString('latin1');
    this.gathered = [];
    return kind === 'whole' ? { kind } : { kind, text };
  }
}
