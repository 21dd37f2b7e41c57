// Batches for tests of a host: tokens of many items, bodies cut where one likes, and answers taken apart.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import {
  ALPN_SHARDS,
  BATCH_POSITION_FIELD,
  BatchFrameReader,
  contentIdOf,
  encodeBatchHead,
  type TokenClaims,
} from '#protocol';
import { type AgentFixture, codeOf, type RawAnswer } from './agent-fixture.js';

export function batchClaims(
  host: AgentFixture,
  op: 'put' | 'get' | 'delete',
  shards: readonly Uint8Array[],
  change: Partial<TokenClaims> = {},
): TokenClaims {
  const items = shards.map((bytes) => ({ cid: contentIdOf(bytes), sizeBytes: bytes.length }));
  return host.claims(op, shards[0]!, { items, ...change });
}

export function batchBody(token: string, shards: readonly Uint8Array[], position = 0): Buffer {
  return Buffer.concat([encodeBatchHead(token), ...shards.slice(position)]);
}

/** One presentation of a batch. `shards`: what a put sends, of which the items before the position are left out. */
export function sendBatch(
  host: AgentFixture,
  token: string,
  { shards = [], position = 0 }: { shards?: readonly Uint8Array[]; position?: number } = {},
): Promise<RawAnswer> {
  const headers = position === 0 ? {} : { [BATCH_POSITION_FIELD]: String(position) };
  return host.send({ method: 'POST', path: '/batch', body: batchBody(token, shards, position), headers });
}

/** As an honest client does: wait while the host thinks of the connection before, go on from where it says. */
export async function finishBatch(
  host: AgentFixture,
  token: string,
  options: { shards?: readonly Uint8Array[]; position?: number } = {},
): Promise<RawAnswer> {
  let { position = 0 } = options;
  for (let tries = 0; tries < 10_000; tries++) {
    const answer = await sendBatch(host, token, { ...options, position });
    if (answer.status !== 409) return answer;
    if (codeOf(answer) === 'batch_position_wrong') position = positionOf(answer);
    else if (codeOf(answer) !== 'token_in_use') return answer;
  }
  throw new Error('the host never let go of the token');
}

export function positionOf(answer: RawAnswer): number {
  return (JSON.parse(answer.body.toString('utf8')) as { facts: { position: number } }).facts.position;
}

/**
 * Send so many bytes of a put batch's body, and break the connection when the host has done all items that are whole in
 * them: what a host has not read when a connection breaks is lost.
 */
export async function cutPut(
  host: AgentFixture,
  token: string,
  { shards, position = 0, bodyBytes }: { shards: readonly Uint8Array[]; position?: number; bodyBytes: number },
): Promise<void> {
  const body = batchBody(token, shards, position);
  let wholeItems = position;
  for (let left = bodyBytes - 4 - token.length; left >= (shards[wholeItems]?.length ?? Infinity); wholeItems++) {
    left -= shards[wholeItems]!.length;
  }
  const { socket, closed } = rawExchange(host, position, body.length, body.subarray(0, bodyBytes), () => false);
  while ((await itemsDone(host)) < wholeItems) await nextTurn();
  socket.destroy();
  await closed;
}

/** Of the batches that have not ended. */
export async function itemsDone(host: AgentFixture): Promise<number> {
  const [row] = await host.read((reads) =>
    reads.query<{ count: number }[]>('SELECT count(*) AS count FROM batch_item'),
  );
  return row!.count;
}

/** Ask for a get batch, and break the connection when so many bytes of the answer have come. */
export function cutGet(host: AgentFixture, token: string, answerBytes: number, position = 0): Promise<void> {
  const body = batchBody(token, []);
  return rawExchange(host, position, body.length, body, (receivedBytes) => receivedBytes >= answerBytes).closed;
}

export interface GetBatchAnswer {
  /** An item that came whole: its bytes; one that failed: its code. */
  readonly items: readonly (Buffer | string)[];
  readonly receipt: string | null;
}

export function readGetBatch(answer: RawAnswer): GetBatchAnswer {
  const items: (Buffer | string)[] = [];
  let pieces: Uint8Array[] = [];
  let receipt: string | null = null;
  for (const frame of new BatchFrameReader().read(answer.body)) {
    if (frame.kind === 'bytes') pieces.push(frame.bytes);
    else if (frame.kind === 'receipt') receipt = frame.text;
    else {
      items.push(frame.kind === 'whole' ? Buffer.concat(pieces) : frame.text);
      pieces = [];
    }
  }
  return { items, receipt };
}

/** Send so many bytes of a put batch's body, and then nothing. */
export function stallPut(
  host: AgentFixture,
  token: string,
  shards: readonly Uint8Array[],
  bodyBytes: number,
): TLSSocket {
  const body = batchBody(token, shards);
  return rawExchange(host, 0, body.length, body.subarray(0, bodyBytes), () => false).socket;
}

function rawExchange(
  host: AgentFixture,
  position: number,
  declaredBytes: number,
  body: Uint8Array,
  isEnough: (receivedBytes: number) => boolean,
): { socket: TLSSocket; closed: Promise<void> } {
  const socket = connect({
    port: host.agent.port,
    ca: host.authority.caPem,
    cert: host.client.certificatePem,
    key: host.client.privateKeyPem,
    ALPNProtocols: [ALPN_SHARDS],
    checkServerIdentity: () => undefined,
  });
  let receivedBytes = 0;
  socket.on('error', () => undefined);
  socket.on('data', (piece) => {
    receivedBytes += piece.length;
    if (isEnough(receivedBytes)) socket.destroy();
  });
  socket.write(
    `POST /batch HTTP/1.1\r\nHost: x\r\nContent-Length: ${declaredBytes}\r\n${BATCH_POSITION_FIELD}: ${position}\r\n\r\n`,
  );
  socket.write(body);
  return { socket, closed: new Promise((resolve) => socket.on('close', () => resolve())) };
}
