// What the broker asks a host over its own certificate: is it there, and does it still hold some blocks.
import type { Dispatcher } from 'undici';
import type { z } from 'zod';
import { connectTrusted, type Dial } from '#peer-home';
import type { Clock } from '#process';
import {
  auditAnswer,
  type ContentId,
  decodeBase64url,
  type PeerAddress,
  type ProbeAnswer,
  ProtocolError,
  probeAnswer,
  verifyBlockPath,
} from '#protocol';
import { exchange } from './exchange.js';
import { HostConnections, type LinkIdentity } from './host-connections.js';
import { ASK_MS_MAX, AUDIT_ANSWER_BYTES_MAX, SMALL_ANSWER_BYTES_MAX } from './limits.js';
import { SmallAnswer } from './received-answer.js';

export interface AskHostOptions {
  /** The broker's own. */
  readonly identity: LinkIdentity;
  readonly clock: Clock;
  /** Where the broker saw the host connect from, or a relay: never an address that a peer merely claimed. */
  readonly host: PeerAddress;
  readonly token: string;
  readonly signal?: AbortSignal | undefined;
  /** Decides which addresses are connected to, and connects. */
  readonly dial?: Dial;
}

export interface AuditHostOptions extends AskHostOptions {
  readonly cid: ContentId;
  /** Of the shard, as the broker's row says. */
  readonly sizeBytes: number;
  /** Numbers of blocks, ascending, at most AUDIT_BLOCKS_MAX. */
  readonly blocks: readonly number[];
}

/** throws what the host refused with; peer_unreachable | peer_untrusted; interrupted by `signal` */
export function probeHost(options: AskHostOptions): Promise<ProbeAnswer> {
  return ask(options, { method: 'GET', path: '/probe', body: null }, probeAnswer, SMALL_ANSWER_BYTES_MAX);
}

/**
 * Resolves when the host has shown every block that was asked for, with paths that hold.
 *
 * throws   shard_content_mismatch when it shows others; what probeHost does
 */
export async function auditHost({ cid, sizeBytes, blocks, ...options }: AuditHostOptions): Promise<void> {
  const request = { method: 'POST', path: `/audits/${cid}`, body: JSON.stringify({ blocks }) } as const;
  const shown = (await ask(options, request, auditAnswer, AUDIT_ANSWER_BYTES_MAX)).blocks;
  const holds =
    shown.length === blocks.length &&
    shown.every(({ block, data, path }, i) => {
      const bytes = decodeBase64url(data);
      const nodes = path.map((node) => decodeBase64url(node)).filter((node) => node !== null);
      return (
        block === blocks[i] && bytes !== null && verifyBlockPath({ cid, sizeBytes, block, data: bytes, path: nodes })
      );
    });
  if (!holds) throw new ProtocolError('shard_content_mismatch', { hostId: options.host.peerId });
}

/** One question on a connection of its own: hosts are asked rarely, and there are many. */
async function ask<T>(
  { identity, clock, host, token, signal, dial }: AskHostOptions,
  { method, path, body }: { method: Dispatcher.HttpMethod; path: string; body: string | null },
  schema: z.ZodType<T>,
  bytesMax: number,
): Promise<T> {
  const hostId = host.peerId;
  const own = new AbortController();
  const forward = (): void => own.abort(signal?.reason);
  const cancel = clock.schedule(ASK_MS_MAX, () => own.abort(new ProtocolError('peer_unreachable', { hostId })));
  if (signal?.aborted) forward();
  signal?.addEventListener('abort', forward, { once: true });
  const { pool } = new HostConnections(identity, host, ({ address, port }, tls) =>
    connectTrusted({ ...tls, dial }, { host: address, port }),
  );
  const answer = new SmallAnswer(hostId, bytesMax);
  const headers = { authorization: `Peerkeep ${token}` };
  try {
    await exchange({ pool, request: { method, path, headers, body }, sink: answer, signal: own.signal });
    return answer.document(schema);
  } finally {
    cancel();
    signal?.removeEventListener('abort', forward);
    await pool.destroy();
  }
}
