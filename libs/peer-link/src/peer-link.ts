// How a client reaches a host: put one shard, get one shard, each under the broker's token, over mutual TLS.
import type { Readable } from 'node:stream';
import type { PeerHome } from '#peer-home';
import type { Clock, Log } from '#process';
import { type ContentId, isRefusal, type PeerAddress, ProtocolError, type TransactionId, type UnixMs } from '#protocol';
import { type Bandwidths, unlimited } from './bandwidth.js';
import { BatchExchange, type BatchLink } from './batch-exchange.js';
import type { BatchOptions, BatchResult, GetBatchOptions, GetBatchResult, PutBatchOptions } from './batch-options.js';
import { checkReceipt, type ReceiptExpectation } from './check-receipt.js';
import { type AnswerSink, exchange } from './exchange.js';
import type { HostConnections, LinkIdentity } from './host-connections.js';
import { HostPools } from './host-pools.js';
import { limitedSink } from './limited-sink.js';
import { type GetRangeOptions, type GetRangeResult, RangeReception } from './range-reception.js';
import { RateWatch } from './rate-watch.js';
import type { LanWay, WayInUse } from './reach/host-ways.js';
import { ShardAnswer, SmallAnswer } from './received-answer.js';
import { slices } from './slices.js';

/** Who asks hosts: an enrolled peer by its home, or a recovery kit. */
export interface LinkHome extends Pick<PeerHome, 'caPem' | 'privateKeyPem'> {
  readonly identity: Pick<PeerHome['identity'], 'peerId' | 'trustDomain'>;
  readonly certificate: () => { readonly pem: string };
}

export interface PeerLinkOptions {
  readonly home: LinkHome;
  /** Hosts are believed whose certificates ended since then: there was no broker to renew them. */
  readonly expiredSinceMs?: UnixMs;
  readonly clock: Clock;
  readonly log: Log;
  /** What all transfers may move; nothing holds them back where it is missing. */
  readonly bandwidths?: Bandwidths;
  /** Knows which hosts are neighbours; none are where it is missing. */
  readonly lanWay?: LanWay;
}

export interface PutShardOptions {
  readonly host: PeerAddress;
  readonly token: string;
  readonly cid: ContentId;
  /** Sent as they are, without a copy; not to be changed before the promise settles. */
  readonly bytes: Uint8Array;
  /** When given, the receipt must be for this transaction. */
  readonly transactionId?: TransactionId;
  readonly signal?: AbortSignal | undefined;
}

export interface PutShardResult {
  /** Signed by the host, checked here; to be reported to the broker. */
  readonly receipt: string;
  /** False when the host had stored the shard under this token before. */
  readonly firstTime: boolean;
}

export interface GetShardOptions {
  readonly host: PeerAddress;
  readonly token: string;
  readonly cid: ContentId;
  readonly sizeBytes: number;
  /** Where the bytes go: exactly sizeBytes of memory, which is nobody else's until the promise settles. New if missing. */
  readonly into?: Buffer;
  /** Told of the bytes of the answer as they come. */
  readonly onBytes?: (count: number) => void;
  readonly transactionId?: TransactionId;
  readonly signal?: AbortSignal | undefined;
}

export interface GetShardResult {
  /** Exactly `sizeBytes`, with the content id that was asked for; `into` where that was given. */
  readonly bytes: Buffer;
  /** The host's receipt, checked; null when it sent none. The bytes are good either way. */
  readonly receipt: string | null;
}

export interface DeleteShardOptions {
  readonly host: PeerAddress;
  readonly token: string;
  readonly cid: ContentId;
  readonly sizeBytes: number;
  readonly transactionId?: TransactionId;
  readonly signal?: AbortSignal | undefined;
}

/**
 * All methods throw what the host refused with (its code; `facts.hostId` says which host), peer_unreachable,
 * peer_untrusted, transfer_too_slow, or interrupted by `signal`. Ending one transfer leaves the others alone.
 */
export class PeerLink {
  private readonly pools: HostPools;
  private readonly bandwidths: Bandwidths;

  constructor(private readonly options: PeerLinkOptions) {
    const { clock, log, lanWay } = options;
    this.bandwidths = options.bandwidths ?? unlimited(clock);
    this.pools = new HostPools({ identity: identityOf(options), clock, log, lanWay });
  }

  /** Store a shard. Throws receipt_invalid | receipt_mismatch too: such a host cannot be credited, nor relied upon. */
  async putShard(put: PutShardOptions): Promise<PutShardResult> {
    const { clock } = this.options;
    const { upload } = this.bandwidths;
    const connections = this.connectionsTo(put.host);
    const answer = new SmallAnswer(put.host.peerId);
    await this.limitedTransfer('upload', put, (signal, watch) =>
      exchange({
        pool: connections.pool,
        request: {
          method: 'PUT',
          path: `/shards/${put.cid}`,
          headers: {
            authorization: `Peerkeep ${put.token}`,
            'content-type': 'application/octet-stream',
            'content-length': String(put.bytes.length),
          },
          // undici takes any iterable, though its types do not say so.
          body: slices(put.bytes, { watch, clock, upload, signal }) as unknown as Readable,
        },
        sink: answer,
        signal,
      }),
    );
    const receipt = answer.receipt();
    checkReceipt(receipt, this.expectation(connections, put, 'put', put.bytes.length));
    return { receipt, firstTime: answer.status === 201 };
  }

  /** Fetch a shard. Throws shard_too_short | shard_too_long | shard_content_mismatch when the host sends others. */
  async getShard(get: GetShardOptions): Promise<GetShardResult> {
    const { download } = this.bandwidths;
    const connections = this.connectionsTo(get.host);
    return await this.limitedTransfer('download', get, async (signal, watch) => {
      const answer = new ShardAnswer(get.host.peerId, get.sizeBytes, watch, get.into);
      try {
        const trailers = await exchange({
          pool: connections.pool,
          request: { method: 'GET', path: `/shards/${get.cid}`, headers: { authorization: `Peerkeep ${get.token}` } },
          sink: limitedSink(tellingSink(answer, get.onBytes), { download, watch, signal }),
          signal,
        });
        const bytes = answer.shard(get.cid);
        const expectation = this.expectation(connections, get, 'get', get.sizeBytes);
        return { bytes, receipt: this.believed(trailers['peerkeep-receipt'], expectation) };
      } finally {
        answer.end();
      }
    });
  }

  /**
   * Fetch a part of a shard, verified. A connection that is lost is made anew, and the rest asked for under the same
   * token, as long as each attempt brings something. Whole blocks are asked for: the token must have bytes for them.
   *
   * throws   range_invalid | shard_too_long | shard_content_mismatch too
   */
  async getRange(get: GetRangeOptions): Promise<GetRangeResult> {
    const reception = new RangeReception(get);
    for (;;) {
      const connections = this.connectionsTo(get.host);
      try {
        const trailers = await this.limitedTransfer('download', get, async (signal, watch) => {
          const headers = { authorization: `Peerkeep ${get.token}`, range: reception.nextRange() };
          const request = { method: 'GET', path: `/shards/${get.cid}`, headers } as const;
          const answer = reception.nextAnswer(watch);
          const sink = limitedSink(answer, { download: this.bandwidths.download, watch, signal });
          const trailers = await exchange({ pool: connections.pool, request, sink, signal });
          answer.end();
          return trailers;
        });
        const bytes = reception.verified();
        const expectation = this.expectation(connections, get, 'stream', reception.lastBytes);
        return { bytes, receipt: this.believed(trailers['peerkeep-receipt'], expectation) };
      } catch (error) {
        if (reception.isWhole) return { bytes: reception.verified(), receipt: null };
        if (!isRefusal(error, 'peer_unreachable') || !reception.hasProgressed) throw error;
        this.options.log.info({
          event: 'range_resumed',
          hostId: get.host.peerId,
          receivedBytes: reception.receivedBytes,
        });
      }
    }
  }

  /** Delete a shard. Throws shard_retained with the time, receipt_invalid | receipt_mismatch too. */
  async deleteShard(remove: DeleteShardOptions): Promise<{ readonly receipt: string }> {
    const connections = this.connectionsTo(remove.host);
    const answer = new SmallAnswer(remove.host.peerId);
    const headers = { authorization: `Peerkeep ${remove.token}` };
    const request = { method: 'DELETE', path: `/shards/${remove.cid}`, headers } as const;
    await this.transfer(remove.signal, (signal) => exchange({ pool: connections.pool, request, sink: answer, signal }));
    const receipt = answer.receipt();
    checkReceipt(receipt, this.expectation(connections, remove, 'delete', remove.sizeBytes));
    return { receipt };
  }

  /** Store many shards under one token. Throws receipt_invalid | receipt_mismatch too. */
  putBatch(batch: PutBatchOptions): Promise<BatchResult> {
    return new BatchExchange(this.batchLink, batch).put(batch.bytesOf);
  }

  /** Fetch many shards under one token; each is handed on when it has come whole and is what it should be. */
  getBatch(batch: GetBatchOptions): Promise<GetBatchResult> {
    return new BatchExchange(this.batchLink, batch).get(batch.onItem);
  }

  /** Delete many shards under one token. Throws receipt_invalid | receipt_mismatch too. */
  deleteBatch(batch: BatchOptions): Promise<BatchResult> {
    return new BatchExchange(this.batchLink, batch).delete();
  }

  private get batchLink(): BatchLink {
    const { home, clock, log } = this.options;
    return {
      connectionsTo: (host) => this.connectionsTo(host),
      transfer: (signal, run) => this.transfer(signal, run),
      bandwidths: this.bandwidths,
      clientId: home.identity.peerId,
      trustDomain: home.identity.trustDomain,
      clock,
      log,
    };
  }

  /** Which way each host was reached last, since when, and why. */
  ways(): WayInUse[] {
    return this.pools.ways;
  }

  /** Drop all connections; transfers under way fail. */
  async close(): Promise<void> {
    await this.pools.close();
  }

  /** Run a transfer that waits for its place under the limit of its direction. */
  private limitedTransfer<T>(
    direction: keyof Bandwidths,
    { host, signal }: { readonly host: PeerAddress; readonly signal?: AbortSignal | undefined },
    run: (signal: AbortSignal, watch: RateWatch) => Promise<T>,
  ): Promise<T> {
    return this.transfer(signal, async (own, watch) => {
      const leave = await this.bandwidths[direction].enter(host.peerId, own);
      try {
        return await run(own, watch);
      } finally {
        leave();
      }
    });
  }

  /** Run a transfer under the caller's signal and the least rate. */
  private async transfer<T>(
    signal: AbortSignal | undefined,
    run: (signal: AbortSignal, watch: RateWatch) => Promise<T>,
  ): Promise<T> {
    const own = new AbortController();
    const forward = (): void => own.abort(signal?.reason);
    const watch = new RateWatch(this.options.clock, () => own.abort(new ProtocolError('transfer_too_slow')));
    if (signal?.aborted) forward();
    signal?.addEventListener('abort', forward, { once: true });
    try {
      return await run(own.signal, watch);
    } finally {
      watch.stop();
      signal?.removeEventListener('abort', forward);
    }
  }

  private connectionsTo(host: PeerAddress): HostConnections {
    return this.pools.to(host);
  }

  /** A host that serves the right bytes has done its work, whatever its receipt says; a false one is not handed on. */
  private believed(receipt: unknown, expected: ReceiptExpectation): string | null {
    if (typeof receipt !== 'string') return null;
    try {
      checkReceipt(receipt, expected);
      return receipt;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.options.log.warn({ event: 'served_receipt_refused', hostId: expected.hostId, code: error.code });
      return null;
    }
  }

  private expectation(
    connections: HostConnections,
    of: { readonly cid: ContentId; readonly transactionId?: TransactionId },
    op: ReceiptExpectation['op'],
    sizeBytes: number,
  ): ReceiptExpectation {
    const { trustDomain, peerId } = this.options.home.identity;
    return {
      hostKey: connections.publicKey,
      hostId: connections.host.peerId,
      clientId: peerId,
      trustDomain,
      op,
      cid: of.cid,
      sizeBytes,
      ...(of.transactionId === undefined ? {} : { transactionId: of.transactionId }),
    };
  }
}

function identityOf({ home, expiredSinceMs }: PeerLinkOptions): LinkIdentity {
  const own = () => ({ certificatePem: home.certificate().pem, privateKeyPem: home.privateKeyPem });
  return { caPem: home.caPem, trustDomain: home.identity.trustDomain, own, expiredSinceMs };
}

/** The same sink, telling how many bytes come. */
function tellingSink(sink: AnswerSink, tell: ((count: number) => void) | undefined): AnswerSink {
  if (tell === undefined) return sink;
  const data = (chunk: Uint8Array): void | Promise<void> => {
    tell(chunk.length);
    return sink.data(chunk);
  };
  return { start: (status, headers) => sink.start(status, headers), data };
}
