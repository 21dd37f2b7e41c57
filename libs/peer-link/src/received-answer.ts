// What a host sends back: a shard into one buffer of its known size, or a small JSON document.
import { strict as assert } from 'node:assert';
import { z } from 'zod';
import {
  BATCH_RECEIPT_TEXT_BYTES_MAX,
  type ContentId,
  ContentIdHasher,
  type ErrorCode,
  errorFromProblem,
  HOST_REFUSALS,
  type PeerId,
  ProtocolError,
  SHARD_BYTES_MAX,
} from '#protocol';
import type { AnswerHeaders, AnswerSink } from './exchange.js';
import { SMALL_ANSWER_BYTES_MAX } from './limits.js';
import type { RateWatch } from './rate-watch.js';

/**
 * A host is not trusted: any other code from it (a wrong phrase, no credit) would only mislead, so it counts as no
 * answer. `internal` is what a host says of its own trouble.
 */
const BELIEVED: ReadonlySet<ErrorCode> = new Set([...HOST_REFUSALS, 'internal']);

const storedAnswer = z.object({ receipt: z.string().max(BATCH_RECEIPT_TEXT_BYTES_MAX) });

/** Collects a receipt, another small document or a problem document, bounded. */
export class SmallAnswer implements AnswerSink {
  status = 0;
  private readonly chunks: Uint8Array[] = [];
  private sizeBytes = 0;

  constructor(
    private readonly hostId: PeerId,
    private readonly bytesMax = SMALL_ANSWER_BYTES_MAX,
  ) {}

  start(status: number, _headers: AnswerHeaders): void {
    this.status = status;
  }

  data(chunk: Uint8Array): void {
    this.sizeBytes += chunk.length;
    if (this.sizeBytes > this.bytesMax) throw this.senseless();
    this.chunks.push(Uint8Array.from(chunk));
  }

  /** The receipt of a put; throws the host's refusal when the answer is one. */
  receipt(): string {
    if (this.status !== 200 && this.status !== 201) throw this.refusal();
    const parsed = storedAnswer.safeParse(this.json());
    if (!parsed.success) throw new ProtocolError('receipt_invalid', { hostId: this.hostId }, { cause: parsed.error });
    return parsed.data.receipt;
  }

  /** The document that a schema describes; throws the host's refusal when the answer is one. */
  document<T>(schema: z.ZodType<T>): T {
    if (this.status !== 200) throw this.refusal();
    const parsed = schema.safeParse(this.json());
    if (!parsed.success) throw this.senseless();
    return parsed.data;
  }

  refusal(): ProtocolError {
    const told = errorFromProblem(this.json());
    if (told === null || !BELIEVED.has(told.code)) return this.senseless();
    return new ProtocolError(told.code, { ...told.facts, hostId: this.hostId }, { cause: told });
  }

  private senseless(): ProtocolError {
    return new ProtocolError('peer_unreachable', { hostId: this.hostId, reason: 'answer', status: this.status });
  }

  /** undefined when the body is not JSON: a schema then refuses it. */
  private json(): unknown {
    try {
      return JSON.parse(Buffer.concat(this.chunks).toString('utf8'));
    } catch (error) {
      if (error instanceof SyntaxError) return undefined;
      throw error;
    }
  }
}

/** Collects a shard in place and hashes it as it comes; a refusal goes to a SmallAnswer instead. */
export class ShardAnswer implements AnswerSink {
  private refused: SmallAnswer | null = null;
  private readonly bytes: Buffer;
  private receivedBytes = 0;
  private ended = false;
  private readonly hasher = new ContentIdHasher();

  constructor(
    private readonly hostId: PeerId,
    sizeBytes: number,
    private readonly watch: RateWatch,
    into?: Buffer,
  ) {
    if (sizeBytes < 1 || sizeBytes > SHARD_BYTES_MAX) throw new ProtocolError('shard_too_long', { sizeBytes });
    this.bytes = into ?? Buffer.allocUnsafeSlow(sizeBytes);
    assert.equal(this.bytes.length, sizeBytes);
  }

  start(status: number, headers: AnswerHeaders): void {
    if (status !== 200) {
      this.refused = new SmallAnswer(this.hostId);
      this.refused.start(status, headers);
    }
    this.watch.start();
  }

  data(chunk: Uint8Array): void {
    if (this.ended) return;
    this.watch.moved(chunk.length);
    if (this.refused !== null) {
      this.refused.data(chunk);
      return;
    }
    if (this.receivedBytes + chunk.length > this.bytes.length) throw this.wrong('shard_too_long');
    this.bytes.set(chunk, this.receivedBytes);
    this.receivedBytes += chunk.length;
    this.hasher.update(chunk);
  }

  /** The whole shard, once its content id is the one asked for. */
  shard(cid: ContentId): Buffer {
    if (this.refused !== null) throw this.refused.refusal();
    if (this.receivedBytes < this.bytes.length) throw this.wrong('shard_too_short');
    if (this.hasher.digest() !== cid) throw this.wrong('shard_content_mismatch');
    return this.bytes;
  }

  /** The memory is the caller's again: what still comes is dropped. */
  end(): void {
    this.ended = true;
  }

  private wrong(code: ErrorCode): ProtocolError {
    return new ProtocolError(code, { hostId: this.hostId, receivedBytes: this.receivedBytes });
  }
}
