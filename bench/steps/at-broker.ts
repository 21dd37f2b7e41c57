// The steps of a put at the broker: asked for, decided, and settled when both ends have reported.
import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import {
  type BeginPutRequest,
  beginPutRequest,
  contentIdOf,
  type ObjectId,
  type SendReportsRequest,
  type TokenItem,
  type TransactionId,
  uuidV7,
} from '#protocol';
import { type SignedRequest, signedPost } from '../broker/signed-post.js';
import type { OpenBroker } from './broker-parts.js';
import { type Cost, timeEach, timeLanes } from './stopwatch.js';

/** A token as the client got it, and the shard that it is for. */
export interface PutToken {
  readonly text: string;
  readonly item: TokenItem;
}

export interface HeldReceipt {
  readonly transactionId: TransactionId;
  readonly receipt: string;
}

/** An object of one shard. */
export function putOf(bytes: Uint8Array): BeginPutRequest {
  const objectId = uuidV7<ObjectId>(Date.now(), randomBytes(10));
  const sizeBytes = bytes.length;
  const shards = [{ index: 0, cid: contentIdOf(bytes), sizeBytes }];
  return { objects: [{ objectId, kind: 'data', sizeBytes, dataShards: 1, totalShards: 1, shards, avoid: [] }] };
}

/** Each put in a request of its own. `begin` is all that the use case does, the seal of the token included. */
export async function askForTokens(
  broker: OpenBroker,
  puts: readonly BeginPutRequest[],
  atOnce: number,
): Promise<{ tokens: PutToken[]; sign: Cost; authenticate: Cost; begin: Cost }> {
  const signed = timeEach(puts, (put) => signedPost(broker.origin, '/v1/puts', put, broker.client));
  const received = await timeLanes(signed.results, atOnce, async (message) => {
    const caller = await broker.receive(message);
    return { caller, put: beginPutRequest.parse(parseBody(message)) };
  });
  const begun = await timeLanes(received.results, atOnce, ({ caller, put }) => broker.beginPut.run(caller, put));
  const tokens = begun.results.map(({ objects: [object] }, i): PutToken => {
    const permission = object?.permissions[0];
    assert(permission !== undefined);
    const { cid, sizeBytes } = puts[i]!.objects[0]!.shards[0]!;
    return { text: permission.token, item: { cid, sizeBytes } };
  });
  return { tokens, sign: signed.cost, authenticate: received.cost, begin: begun.cost };
}

/** The host reports first. What the messages cost themselves is an `ask` for so many reports as one holds. */
export async function settle(
  broker: OpenBroker,
  receipts: readonly HeldReceipt[],
  reportsPerMessage: number,
): Promise<{ host: Cost; client: Cost }> {
  const messages: SendReportsRequest[] = [];
  for (let i = 0; i < receipts.length; i += reportsPerMessage) {
    const held = receipts.slice(i, i + reportsPerMessage);
    messages.push({ reports: held.map((receipt) => ({ outcome: 'done', ...receipt })) });
  }
  return {
    host: perReport(await record(broker, 'host', messages), reportsPerMessage),
    client: perReport(await record(broker, 'client', messages), reportsPerMessage),
  };
}

/** Returns the cost of a message. A machine sends one at a time. */
async function record(
  broker: OpenBroker,
  reporter: 'host' | 'client',
  messages: readonly SendReportsRequest[],
): Promise<Cost> {
  const caller = await broker.receive(signedPost(broker.origin, '/v1/reports', messages[0]!, broker[reporter]));
  const { results, cost } = await timeLanes(messages, 1, (message) => broker.recordReports.run(caller, message));
  assert(results.every((answer) => answer.results.every((result) => result === 'recorded')));
  return cost;
}

function perReport({ cpuMicros, wallMicros }: Cost, reports: number): Cost {
  return { cpuMicros: cpuMicros / reports, wallMicros: wallMicros / reports };
}

function parseBody({ body }: SignedRequest): unknown {
  return JSON.parse(Buffer.from(body).toString('utf8'));
}
