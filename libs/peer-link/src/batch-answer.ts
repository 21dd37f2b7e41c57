// The answer to a get batch: items one after another into memory, each checked and handed on before the next one.
import {
  type BatchFrame,
  BatchFrameReader,
  ContentIdHasher,
  type ErrorCode,
  type PeerId,
  ProtocolError,
  type ReceiptResult,
  type TokenItem,
} from '#protocol';
import type { GetBatchOptions } from './batch-options.js';
import type { AnswerHeaders, AnswerSink } from './exchange.js';
import type { RateWatch } from './rate-watch.js';
import { SmallAnswer } from './received-answer.js';

/** What a host may say of one item. */
const OF_ITEM: ReadonlySet<string> = new Set<ErrorCode>(['shard_unknown', 'shard_corrupt']);

/** What has come of a batch, over all attempts. */
export interface BatchReception {
  readonly items: readonly TokenItem[];
  /** Of the items that have ended, the first on. */
  readonly results: ReceiptResult[];
  readonly onItem: GetBatchOptions['onItem'];
}

interface Incoming {
  readonly bytes: Buffer;
  readonly hasher: ContentIdHasher;
  receivedBytes: number;
}

export class BatchAnswer implements AnswerSink {
  /** The host's, as it came; null until its frame. */
  receipt: string | null = null;
  private refused: SmallAnswer | null = null;
  private incoming: Incoming | null = null;
  private readonly reader = new BatchFrameReader();
  private index: number;

  /** from: the item with which the host begins; those that came before are passed over. */
  constructor(
    private readonly hostId: PeerId,
    private readonly reception: BatchReception,
    from: number,
    private readonly watch: RateWatch,
  ) {
    this.index = from;
  }

  start(status: number, headers: AnswerHeaders): void {
    if (status !== 200) {
      this.refused = new SmallAnswer(this.hostId);
      this.refused.start(status, headers);
    }
    this.watch.start();
  }

  data(chunk: Uint8Array): void | Promise<void> {
    this.watch.moved(chunk.length);
    if (this.refused !== null) return this.refused.data(chunk);
    return this.takeAll(this.reader.read(chunk));
  }

  /** Throws the host's refusal when the answer is one, and peer_unreachable when it ended before its end. */
  assertWhole(): void {
    if (this.refused !== null) throw this.refused.refusal();
    if (this.receipt === null) throw this.senseless();
  }

  private takeAll(frames: Generator<BatchFrame, void, undefined>): void | Promise<void> {
    for (let next = frames.next(); !next.done; next = frames.next()) {
      const handing = this.take(next.value);
      if (handing !== undefined) return this.whenHanded(handing, frames);
    }
  }

  /** The person's own time, while the item is handed on, is not the host's. */
  private async whenHanded(handing: Promise<void>, frames: Generator<BatchFrame, void, undefined>): Promise<void> {
    this.watch.stop();
    await handing;
    this.watch.start();
    await this.takeAll(frames);
  }

  private take(frame: BatchFrame): void | Promise<void> {
    const item = this.reception.items[this.index];
    if (frame.kind === 'receipt') {
      if (item !== undefined) throw this.senseless();
      this.receipt = frame.text;
      return;
    }
    if (item === undefined || this.receipt !== null) throw this.senseless();
    if (frame.kind === 'bytes') return this.gather(item, frame.bytes);
    if (frame.kind === 'failed' && !OF_ITEM.has(frame.text)) throw this.senseless();
    const { incoming } = this;
    this.incoming = null;
    const index = this.index++;
    // Once more what has come already: the connection broke before the host could know.
    if (index < this.reception.results.length) return;
    const result = frame.kind === 'failed' ? frame.text : resultOf(item, incoming);
    const handing = result === 'served' ? this.reception.onItem(index, incoming!.bytes) : undefined;
    if (handing === undefined) this.reception.results.push(result);
    else return handing.then(() => void this.reception.results.push(result));
  }

  private gather(item: TokenItem, bytes: Uint8Array): void {
    this.incoming ??= {
      bytes: Buffer.allocUnsafeSlow(item.sizeBytes),
      hasher: new ContentIdHasher(),
      receivedBytes: 0,
    };
    const { incoming } = this;
    if (incoming.receivedBytes + bytes.length > item.sizeBytes) {
      throw new ProtocolError('shard_too_long', { hostId: this.hostId });
    }
    incoming.bytes.set(bytes, incoming.receivedBytes);
    incoming.receivedBytes += bytes.length;
    incoming.hasher.update(bytes);
  }

  private senseless(): ProtocolError {
    return new ProtocolError('peer_unreachable', { hostId: this.hostId, reason: 'answer', status: 200 });
  }
}

/** A host that sends other bytes may lie about this item only; the next ones are checked as well. */
function resultOf(item: TokenItem, incoming: Incoming | null): ReceiptResult {
  if (incoming === null || incoming.receivedBytes < item.sizeBytes) return 'shard_too_short';
  return incoming.hasher.digest() === item.cid ? 'served' : 'shard_content_mismatch';
}
