// One request to reach a peer: nothing is forwarded before its lease holds and the peer has taken the stream.
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { CODE_HEADER, LEASE_HEADER } from '#peer-link';
import type { Clock, Log } from '#process';
import { type ErrorCode, isRefusal, type PeerId, ProtocolError, peerIdField, type Requester } from '#protocol';
import type { AttachedPeers } from '../attach/attached-peers.js';
import type { LeaseBook } from '../leases/lease-book.js';
import type { Tunnels } from './tunnels.js';

export interface ReachParts {
  readonly leases: LeaseBook;
  readonly peers: AttachedPeers;
  readonly tunnels: Tunnels;
  readonly clock: Clock;
  readonly log: Log;
  readonly onRefused: (code: ErrorCode) => void;
}

/** Answer a CONNECT, and carry what follows. Never throws: a refusal is answered. */
export async function reachPeer(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  requester: Requester,
  parts: ReachParts,
): Promise<void> {
  // Its end is seen by its closing.
  stream.on('error', (error) => parts.log.debug({ event: 'reach_lost', requester, err: error }));
  try {
    await carry(stream, headers, requester, parts);
  } catch (error) {
    refuse(stream, error, requester, parts);
  }
}

async function carry(
  client: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  requester: Requester,
  { leases, peers, tunnels, clock }: ReachParts,
): Promise<void> {
  const { peerId, leaseText } = readReach(headers);
  const reach = leases.open(leaseText, { kind: 'reach', subject: requester, peerId });
  const attached = peers.find(peerId);
  if (attached === null) throw new ProtocolError('peer_not_attached');
  if (attached.lease?.isSpent) throw new ProtocolError('lease_spent');
  reach.takeOpening();
  const giveBack = tunnels.take();
  try {
    const peer = await attached.connect(requester);
    // It took the stream and ended it in one go: nothing tells of its close any more.
    if (peer.destroyed || peer.closed) throw new ProtocolError('peer_unreachable');
    if (client.destroyed || client.closed) {
      peer.close();
      return giveBack();
    }
    client.respond({ ':status': 200 });
    tunnels.run({ client, peer, reach, serve: attached.lease, clock }, giveBack);
  } catch (error) {
    giveBack();
    throw error;
  }
}

/** A CONNECT to a peer id and nothing else: this is no proxy to addresses. throws route_unknown | request_invalid | lease_invalid */
function readReach(headers: IncomingHttpHeaders): { peerId: PeerId; leaseText: string } {
  if (headers[':method'] !== 'CONNECT' || headers[':protocol'] !== undefined) throw new ProtocolError('route_unknown');
  const peerId = peerIdField.safeParse(headers[':authority']);
  if (!peerId.success) throw new ProtocolError('request_invalid', {}, { cause: peerId.error });
  const leaseText = headers[LEASE_HEADER];
  if (typeof leaseText !== 'string') throw new ProtocolError('lease_invalid');
  return { peerId: peerId.data, leaseText };
}

function refuse(stream: ServerHttp2Stream, error: unknown, requester: Requester, parts: ReachParts): void {
  const refusal = isRefusal(error) ? error : new ProtocolError('internal', {}, { cause: error });
  if (refusal.code === 'internal') parts.log.error({ event: 'reach_mistake', err: error });
  else parts.log.debug({ event: 'reach_refused', code: refusal.code, requester });
  parts.onRefused(refusal.code);
  if (stream.destroyed || stream.closed) return;
  stream.respond({ ':status': refusal.status, [CODE_HEADER]: refusal.code }, { endStream: true });
  // What the client still sends is not waited for.
  stream.once('finish', () => stream.close());
}
