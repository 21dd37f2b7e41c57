// A batch with one host, over as many connections as it takes: after each break it goes on from where the host is (SPEC §8.1).
import type { Readable } from 'node:stream';
import type { Clock, Log } from '#process';
import {
  BATCH_POSITION_FIELD,
  encodeBatchHead,
  isRefusal,
  type PeerAddress,
  type PeerId,
  ProtocolError,
  type ReceiptResult,
} from '#protocol';
import type { Bandwidths } from './bandwidth.js';
import { BatchAnswer } from './batch-answer.js';
import { BatchAttempts } from './batch-attempts.js';
import type { BatchOptions, BatchResult, GetBatchOptions, GetBatchResult, PutBatchOptions } from './batch-options.js';
import { type BatchReceiptExpectation, checkBatchReceipt } from './check-receipt.js';
import { type AnswerSink, exchange } from './exchange.js';
import type { HostConnections } from './host-connections.js';
import { limitedSink } from './limited-sink.js';
import { BATCH_ANSWER_BYTES_MAX } from './limits.js';
import type { RateWatch } from './rate-watch.js';
import { SmallAnswer } from './received-answer.js';
import { slices } from './slices.js';

/** What a batch needs of the link to peers. */
export interface BatchLink {
  readonly connectionsTo: (host: PeerAddress) => HostConnections;
  readonly transfer: <T>(
    signal: AbortSignal | undefined,
    run: (signal: AbortSignal, watch: RateWatch) => Promise<T>,
  ) => Promise<T>;
  readonly bandwidths: Bandwidths;
  readonly clientId: PeerId;
  readonly trustDomain: string;
  readonly clock: Clock;
  readonly log: Log;
}

interface Attempt {
  readonly connections: HostConnections;
  readonly position: number;
  readonly signal: AbortSignal;
  readonly watch: RateWatch;
}

export class BatchExchange {
  private readonly attempts: BatchAttempts;
  /** What the caller's part threw: no word about the host, and no reason to try again. */
  private ownFailure: { readonly error: unknown } | null = null;

  constructor(
    private readonly link: BatchLink,
    private readonly batch: BatchOptions,
  ) {
    this.attempts = new BatchAttempts(link.clock, batch.signal);
  }

  put(bytesOf: PutBatchOptions['bytesOf']): Promise<BatchResult> {
    return this.untilDone('upload', async (attempt) => {
      const answer = new SmallAnswer(this.batch.host.peerId, BATCH_ANSWER_BYTES_MAX);
      await this.send(
        attempt,
        answer,
        this.putBody(attempt, (index) => this.own(() => bytesOf(index))),
      );
      return this.concluded(attempt, 'put', answer.receipt());
    });
  }

  delete(): Promise<BatchResult> {
    return this.untilDone(null, async (attempt) => {
      const answer = new SmallAnswer(this.batch.host.peerId, BATCH_ANSWER_BYTES_MAX);
      await this.send(attempt, answer);
      return this.concluded(attempt, 'delete', answer.receipt());
    });
  }

  get(onItem: GetBatchOptions['onItem']): Promise<GetBatchResult> {
    const results: ReceiptResult[] = [];
    const reception = {
      items: this.batch.items,
      results,
      onItem: (index: number, bytes: Buffer) => this.own(() => onItem(index, bytes)),
    };
    return this.untilDone(
      'download',
      async (attempt) => {
        const answer = new BatchAnswer(this.batch.host.peerId, reception, attempt.position, attempt.watch);
        const { download } = this.link.bandwidths;
        await this.send(attempt, limitedSink(answer, { ...attempt, download }));
        answer.assertWhole();
        return { receipt: this.believed(attempt, answer.receipt ?? '', results), results };
      },
      () => results.length,
    );
  }

  /**
   * had: how many items have come, of a get. Otherwise only the host knows how many are done: after a break it is asked
   * by a request that says that all are, and either tells, or was at the end already. No item is sent on a guess.
   */
  private async untilDone<T>(
    limited: 'upload' | 'download' | null,
    run: (attempt: Attempt) => Promise<T>,
    had?: () => number,
  ): Promise<T> {
    const { host, items, signal: wish } = this.batch;
    let told: number | null = 0;
    for (;;) {
      const position = had === undefined ? (told ?? items.length) : Math.min(told ?? items.length, had());
      try {
        const connections = this.link.connectionsTo(host);
        return await this.link.transfer(wish, async (signal, watch) => {
          const leave = limited === null ? null : await this.link.bandwidths[limited].enter(host.peerId, signal);
          try {
            return await run({ connections, position, signal, watch });
          } finally {
            leave?.();
          }
        });
      } catch (error) {
        if (this.ownFailure !== null) throw this.ownFailure.error;
        const wasAsked = had === undefined && told === null;
        told = isRefusal(error, 'batch_position_wrong') ? this.positionTold(error) : null;
        this.attempts.reached(had === undefined ? (told ?? 0) : had());
        if (told === null) await this.attempts.failed(error);
        else if (!wasAsked) this.attempts.misplaced(error as ProtocolError);
        this.link.log.info({ event: 'batch_resumed', hostId: host.peerId, code: (error as ProtocolError).code });
      }
    }
  }

  private async own<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.ownFailure = { error };
      throw error;
    }
  }

  private async send(
    { connections, position, signal }: Attempt,
    sink: AnswerSink,
    items?: { readonly bytes: AsyncIterable<Uint8Array>; readonly sizeBytes: number },
  ): Promise<void> {
    const head = encodeBatchHead(this.batch.token);
    await exchange({
      pool: connections.pool,
      request: {
        method: 'POST',
        path: '/batch',
        headers: {
          'content-type': 'application/octet-stream',
          'content-length': String(head.length + (items?.sizeBytes ?? 0)),
          [BATCH_POSITION_FIELD]: String(position),
        },
        // undici takes any iterable, though its types do not say so.
        body: items === undefined ? head : (withHead(head, items.bytes) as unknown as Readable),
      },
      sink,
      signal,
    });
  }

  private putBody({ position, watch, signal }: Attempt, bytesOf: PutBatchOptions['bytesOf']) {
    const { items } = this.batch;
    const { clock, bandwidths } = this.link;
    const { upload } = bandwidths;
    async function* bytes(): AsyncGenerator<Uint8Array, void, undefined> {
      for (let i = position; i < items.length; i++) {
        const shard = await bytesOf(i);
        if (shard.length !== items[i]!.sizeBytes) throw new ProtocolError('shard_too_short', { item: i });
        yield* slices(shard, { watch, clock, upload, signal });
      }
    }
    const sizeBytes = items.slice(position).reduce((sum, item) => sum + item.sizeBytes, 0);
    return { bytes: bytes(), sizeBytes };
  }

  private concluded(attempt: Attempt, op: 'put' | 'delete', receipt: string): BatchResult {
    return { receipt, results: checkBatchReceipt(receipt, this.expectation(attempt, op)) };
  }

  /** The bytes that came are good whatever the receipt says; one that says other things is not handed on. */
  private believed(attempt: Attempt, receipt: string, results: readonly ReceiptResult[]): string | null {
    try {
      const said = checkBatchReceipt(receipt, this.expectation(attempt, 'get'));
      if (said.every((result, i) => result === results[i])) return receipt;
      throw new ProtocolError('receipt_mismatch', { hostId: this.batch.host.peerId });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.link.log.warn({ event: 'served_receipt_refused', hostId: this.batch.host.peerId, code: error.code });
      return null;
    }
  }

  private expectation({ connections }: Attempt, op: BatchReceiptExpectation['op']): BatchReceiptExpectation {
    const { items, transactionId } = this.batch;
    return {
      hostKey: connections.publicKey,
      hostId: connections.host.peerId,
      clientId: this.link.clientId,
      trustDomain: this.link.trustDomain,
      op,
      items,
      ...(transactionId === undefined ? {} : { transactionId }),
    };
  }

  /** A host that names no place within the batch makes no sense. */
  private positionTold(error: ProtocolError): number {
    const { position } = error.facts;
    if (
      typeof position === 'number' &&
      Number.isInteger(position) &&
      position >= 0 &&
      position <= this.batch.items.length
    ) {
      return position;
    }
    throw new ProtocolError('peer_unreachable', { hostId: this.batch.host.peerId, reason: 'answer' }, { cause: error });
  }
}

async function* withHead(
  head: Uint8Array,
  items: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield head;
  yield* items;
}
