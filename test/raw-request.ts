// Requests to a host as no honest client sends them: any token, any body, any length, and any certificate.
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import type { PeerHome } from '#peer-home';
import { ALPN_SHARDS, type ContentId } from '#protocol';
import type { WorldHost } from './world.js';

export interface RawShardRequest {
  readonly method: 'PUT' | 'GET';
  readonly cid: ContentId;
  readonly token: string;
  readonly body?: Uint8Array;
  /** Sent as it is; absent: the length of the body. null: chunked. */
  readonly contentLength?: number | null;
  /** The second half of the body is sent only after this; told when the first is on its way. */
  readonly pause?: () => Promise<void>;
}

export interface RawShardAnswer {
  readonly status: number;
  /** The code of a problem document, else null. */
  readonly code: string | null;
  readonly receipt: string | null;
  readonly body: Buffer;
}

/** What a program shows of itself, and whom it believes. */
export type Presented = Pick<PeerHome, 'privateKeyPem' | 'certificate' | 'caPem'>;

/** One exchange on a connection of its own; rejects when the connection ends without an answer. */
export function sendRaw(host: WorldHost, as: Presented, raw: RawShardRequest): Promise<RawShardAnswer> {
  const { body = new Uint8Array() } = raw;
  const length = raw.contentLength === undefined ? body.length : raw.contentLength;
  const options: RequestOptions & ConnectionOptions = {
    host: '127.0.0.1',
    port: host.agent.port,
    method: raw.method,
    path: `/shards/${raw.cid}`,
    agent: false,
    key: as.privateKeyPem,
    cert: as.certificate().pem,
    ca: as.caPem,
    // Hosts have no names; whom this connects to is the test's choice.
    checkServerIdentity: () => undefined,
    ALPNProtocols: [ALPN_SHARDS],
    headers: {
      authorization: `Peerkeep ${raw.token}`,
      ...(raw.method !== 'PUT' || length === null ? {} : { 'content-length': length }),
    },
  };
  return new Promise((resolve, reject) => {
    const request = httpsRequest(options, (answer) => {
      read(answer).then(resolve, reject);
    });
    request.on('error', reject);
    const { pause } = raw;
    if (pause === undefined) {
      request.end(body.length === 0 ? undefined : body);
      return;
    }
    const half = body.length >> 1;
    request.write(body.subarray(0, half), () => {
      pause().then(() => request.end(body.subarray(half)), reject);
    });
  });
}

async function read(answer: IncomingMessage): Promise<RawShardAnswer> {
  const pieces: Buffer[] = [];
  for await (const piece of answer) pieces.push(piece as Buffer);
  const body = Buffer.concat(pieces);
  const isJson = /json/.test(answer.headers['content-type'] ?? '');
  const json = isJson ? (JSON.parse(body.toString('utf8')) as { code?: string; receipt?: string }) : {};
  return { status: answer.statusCode ?? 0, code: json.code ?? null, receipt: json.receipt ?? null, body };
}
