// POST /batch: verify -> claim -> the items, each with its result in agent.db -> receipt -> burn -> answer (SPEC §4.5, §8.1).
import { Injectable } from '@nestjs/common';
import { Clock, Log } from '#process';
import {
  BATCH_HEAD_BYTES,
  BATCH_POSITION_FIELD,
  BATCH_TOKEN_TEXT_BYTES_MAX,
  ProtocolError,
  type VerifiedToken,
} from '#protocol';
import { BATCH_TOKEN_MS_MAX } from '../limits.js';
import { AdmitToken } from '../serving/admit-token.js';
import { burnedReceipt } from '../serving/answer-again.js';
import { BodyReader } from '../serving/body-reader.js';
import { CompleteTransfer } from '../serving/complete-transfer.js';
import { CutOff } from '../serving/cut-off.js';
import type { Exchange, Handler } from '../serving/exchange.js';
import { type Held, TransferFrame } from '../serving/transfer-frame.js';
import { AgentDatabase } from '../state/agent-database.js';
import { readEndedItems } from '../tokens/batch-items.js';
import { itemsOf, ReplayList } from '../tokens/replay-list.js';
import { type BatchClaim, BatchRecord } from './batch-record.js';
import type { BatchKind } from './batch-run.js';
import { DeleteBatch } from './delete-batch.js';
import { GetBatch } from './get-batch.js';
import { PutBatch } from './put-batch.js';

const TOKEN_TEXT = /^[!-~]+$/;
const POSITION_TEXT = /^(?:0|[1-9]\d{0,3})$/;

@Injectable()
export class HandleBatch implements Handler {
  constructor(
    private readonly admitToken: AdmitToken,
    private readonly replayList: ReplayList,
    private readonly database: AgentDatabase,
    private readonly frame: TransferFrame,
    private readonly complete: CompleteTransfer,
    private readonly putBatch: PutBatch,
    private readonly getBatch: GetBatch,
    private readonly deleteBatch: DeleteBatch,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  async run(exchange: Exchange): Promise<void> {
    const body = new BodyReader(exchange.request);
    try {
      await this.serve(exchange, body);
    } catch (error) {
      // Before the claim: nobody is there to hear it, and nothing has happened.
      if (!(error instanceof CutOff)) throw error;
      this.log.debug({ event: 'batch_cut_off_early', err: error });
    } finally {
      body.detach();
    }
  }

  private async serve(exchange: Exchange, body: BodyReader): Promise<void> {
    if (exchange.request.headers.expect !== undefined) exchange.response.writeContinue();
    const text = await this.readToken(exchange, body);
    const token = this.admitToken.run(exchange, text);
    const position = readPosition(exchange, token);
    const kind = this.kindOf(token);
    if (this.replayList.isBurned(token)) {
      const receipt = await burnedReceipt(token, this.replayList);
      body.detach();
      return kind.answer({ exchange }, receipt, false);
    }
    await this.frame.run<BatchClaim>(
      exchange,
      token,
      () => ({ token: this.replayList.claim(token), batch: { hasProgressed: false } }),
      (held) => this.perform(exchange, held, { kind, position, body, headBytes: BATCH_HEAD_BYTES + text.length }),
    );
  }

  /** Bounded in bytes and in time, as headers are: who sends it is a peer, and as yet has no place. */
  private async readToken({ request }: Exchange, body: BodyReader): Promise<string> {
    const cancel = this.clock.schedule(BATCH_TOKEN_MS_MAX, () => request.socket.destroy());
    try {
      const length = (await body.bytes(BATCH_HEAD_BYTES))?.readUInt32BE() ?? 0;
      if (length === 0) throw new ProtocolError('token_missing');
      if (length > BATCH_TOKEN_TEXT_BYTES_MAX) throw new ProtocolError('token_invalid');
      const text = (await body.bytes(length))?.toString('latin1');
      if (text === undefined) throw new ProtocolError('token_missing');
      if (!TOKEN_TEXT.test(text)) throw new ProtocolError('token_invalid');
      return text;
    } finally {
      cancel();
    }
  }

  private async perform(
    exchange: Exchange,
    held: Held<BatchClaim>,
    { kind, position, body, headBytes }: { kind: BatchKind; position: number; body: BodyReader; headBytes: number },
  ): Promise<void> {
    const { claim, place, transfer } = held;
    const startedMs = this.clock.monotonicMs();
    const done = await readEndedItems(this.database.reads, claim.token);
    const items = itemsOf(claim.token);
    const record = new BatchRecord(held, this.complete, this.replayList, done);
    let receipt: string;
    try {
      this.assertFits(exchange, held, { kind, position, done: done.length, headBytes });
      await kind.run({ exchange, held, items, position, record, body });
      await record.settled();
      transfer.networkDone();
      receipt = await this.complete.batchEnded(claim, place, record.items);
    } catch (error) {
      // What is written in the background counts, and must be written before the token is given back.
      await record.quiet();
      throw error;
    } finally {
      body.detach();
    }
    kind.answer({ exchange }, receipt, true);
    this.log.info({
      event: 'batch_done',
      op: claim.token.doing,
      transactionId: claim.token.transactionId,
      items: items.length,
      from: position,
      tookMs: Math.round(this.clock.monotonicMs() - startedMs),
    });
  }

  /** A request that does not fit what the host has done: nothing is begun, and the client is told how to go on. */
  private assertFits(
    { request }: Exchange,
    { claim, place }: Held<BatchClaim>,
    batch: { kind: BatchKind; position: number; done: number; headBytes: number },
  ): void {
    const { transactionId, items, doing } = claim.token;
    let refusal: ProtocolError | null = null;
    const left = doing === 'put' ? items.slice(batch.position) : [];
    const bodyBytes = left.reduce((sum, { sizeBytes }) => sum + sizeBytes, batch.headBytes);
    const declared = request.headers['content-length'];
    if (!batch.kind.mayGoOn(batch.position, batch.done)) {
      refusal = new ProtocolError('batch_position_wrong', { transactionId, position: batch.done });
    } else if (declared !== undefined && Number(declared) !== bodyBytes) {
      refusal = new ProtocolError('request_invalid', { transactionId, field: 'content-length' });
    }
    if (refusal === null) return;
    this.complete.notBegun(claim, place);
    throw refusal;
  }

  private kindOf({ doing }: VerifiedToken): BatchKind {
    if (doing === 'put') return this.putBatch;
    return doing === 'get' ? this.getBatch : this.deleteBatch;
  }
}

/** throws request_invalid */
function readPosition({ request }: Exchange, { items, transactionId }: VerifiedToken): number {
  const text = request.headers[BATCH_POSITION_FIELD] ?? '0';
  const position = typeof text === 'string' && POSITION_TEXT.test(text) ? Number(text) : Number.NaN;
  if (position <= items.length) return position;
  throw new ProtocolError('request_invalid', { transactionId, field: BATCH_POSITION_FIELD });
}
