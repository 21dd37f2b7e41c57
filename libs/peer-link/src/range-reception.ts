// A part of a shard as it comes, over one connection or several: whole blocks, proven by the hashes that came before them.
import {
  BLOCK_BYTES,
  type BlockRun,
  type ContentId,
  decodeBase64url,
  type ErrorCode,
  type PeerAddress,
  ProtocolError,
  runSizeBytes,
  SHARD_BYTES_MAX,
  type TransactionId,
  verifyBlockRun,
} from '#protocol';
import type { AnswerHeaders, AnswerSink } from './exchange.js';
import type { RateWatch } from './rate-watch.js';
import { SmallAnswer } from './received-answer.js';

export interface GetRangeOptions {
  readonly host: PeerAddress;
  /** Of several uses: stream, or universal. */
  readonly token: string;
  readonly cid: ContentId;
  /** Of the whole shard. */
  readonly sizeBytes: number;
  /** Bytes `start` to `end` are wanted, `end` not included; at least one. */
  readonly start: number;
  readonly end: number;
  readonly transactionId?: TransactionId;
  readonly signal?: AbortSignal | undefined;
}

export interface GetRangeResult {
  /** Exactly the bytes from start to end, proven to be those of the content id. */
  readonly bytes: Buffer;
  /** The host's receipt for the last use, checked; null when it sent none. The bytes are good either way. */
  readonly receipt: string | null;
}

export class RangeReception {
  private readonly run: BlockRun;
  private readonly blocks: Buffer;
  /** Came with the first answer, before any byte: it judges all that follows, whichever answer brings it. */
  private proof: readonly Uint8Array[] | null = null;
  private filledBytes = 0;
  /** When the answer that is awaited was asked for. */
  private filledBefore = 0;

  /** throws range_invalid | shard_too_long */
  constructor(private readonly get: GetRangeOptions) {
    const { start, end, sizeBytes } = get;
    if (sizeBytes > SHARD_BYTES_MAX) throw new ProtocolError('shard_too_long', { sizeBytes });
    if (!(start >= 0 && start < end && end <= sizeBytes)) throw new ProtocolError('range_invalid', { sizeBytes });
    this.run = { first: Math.floor(start / BLOCK_BYTES), last: Math.ceil(end / BLOCK_BYTES) - 1 };
    this.blocks = Buffer.allocUnsafeSlow(runSizeBytes(sizeBytes, this.run));
  }

  get receivedBytes(): number {
    return this.filledBytes;
  }

  get isWhole(): boolean {
    return this.filledBytes === this.blocks.length;
  }

  /** Did the last answer bring a byte? */
  get hasProgressed(): boolean {
    return this.filledBytes > this.filledBefore;
  }

  /** What the last answer brought. */
  get lastBytes(): number {
    return this.filledBytes - this.filledBefore;
  }

  /** The value of the Range header for what is missing. */
  nextRange(): string {
    const from = this.run.first * BLOCK_BYTES;
    return `bytes=${from + this.filledBytes}-${from + this.blocks.length - 1}`;
  }

  /** end: called when the answer is over; throws the refusal that it was, or shard_too_short. */
  nextAnswer(watch: RateWatch): AnswerSink & { end(): void } {
    this.filledBefore = this.filledBytes;
    let refused: SmallAnswer | null = null;
    return {
      start: (status, headers) => {
        watch.start();
        if (status === 206) return this.begin(headers);
        refused = new SmallAnswer(this.get.host.peerId);
        refused.start(status, headers);
      },
      data: (chunk) => {
        watch.moved(chunk.length);
        if (refused === null) this.take(chunk);
        else refused.data(chunk);
      },
      end: () => {
        if (refused !== null) throw refused.refusal();
        if (!this.isWhole) throw this.wrong('shard_too_short');
      },
    };
  }

  /** The bytes that were asked for; throws shard_content_mismatch unless all blocks hold. */
  verified(): Buffer {
    const { cid, sizeBytes, start, end } = this.get;
    const { run, blocks: data, proof } = this;
    if (proof === null || !verifyBlockRun({ cid, sizeBytes, run, data, proof }))
      throw this.wrong('shard_content_mismatch');
    const from = run.first * BLOCK_BYTES;
    return data.subarray(start - from, end - from);
  }

  private begin(headers: AnswerHeaders): void {
    const range = headers['content-range'];
    const [, asked] = this.nextRange().split('=');
    if (range !== `bytes ${asked}/${this.get.sizeBytes}`) throw this.wrong('shard_content_mismatch');
    this.proof ??= readProof(headers['peerkeep-proof']);
    if (this.proof === null) throw this.wrong('shard_content_mismatch');
  }

  private take(chunk: Uint8Array): void {
    if (this.filledBytes + chunk.length > this.blocks.length) throw this.wrong('shard_too_long');
    this.blocks.set(chunk, this.filledBytes);
    this.filledBytes += chunk.length;
  }

  private wrong(code: ErrorCode): ProtocolError {
    return new ProtocolError(code, { hostId: this.get.host.peerId, receivedBytes: this.filledBytes });
  }
}

/** Hashes in base64url, a space between them; null when they are none. How many there must be the tree knows. */
function readProof(header: string | string[] | undefined): readonly Uint8Array[] | null {
  if (typeof header !== 'string') return null;
  const nodes = header === '' ? [] : header.split(' ').map((text) => decodeBase64url(text));
  return nodes.every((node) => node !== null) ? nodes : null;
}
