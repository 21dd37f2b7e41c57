// One stream from a client to a peer: both directions, counted under the leases of both, until either side or a bound ends it.
import { type ClientHttp2Stream, constants, type Http2Stream, type ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { Clock } from '#process';
import type { LeaseUse } from '../leases/lease-use.js';
import { Pump, stalledSinceMs } from './pump.js';

const { NGHTTP2_CANCEL, NGHTTP2_CONNECT_ERROR, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_NO_ERROR } = constants;

export type Direction = 'to_peer' | 'from_peer';

/** Why a relay ends a stream: a lease is used up; too slow, idle or in the way of others; the relay stops. */
export type TunnelEnd = 'spent' | 'bound' | 'stopping';

export interface TunnelParts {
  readonly client: ServerHttp2Stream;
  readonly peer: ClientHttp2Stream;
  /** Of the client; the broker is told of its bytes. */
  readonly reach: LeaseUse;
  /** Of the peer: what reaches it counts for it too. */
  readonly serve: LeaseUse | null;
  readonly clock: Clock;
  readonly onMoved: (direction: Direction, sizeBytes: number) => void;
}

export class Tunnel {
  private readonly toPeer: Pump;
  private readonly fromPeer: Pump;

  /** onClose   both sides are closed */
  constructor(
    readonly parts: TunnelParts,
    private readonly onClose: () => void,
  ) {
    const { client, peer, clock } = parts;
    this.toPeer = new Pump({ source: client, sink: peer, clock, admit: (size) => this.admit('to_peer', size) });
    this.fromPeer = new Pump({ source: peer, sink: client, clock, admit: (size) => this.admit('from_peer', size) });
  }

  start(): void {
    const { client, peer } = this.parts;
    client.once('close', () => this.sideClosed(client, peer, NGHTTP2_CANCEL));
    peer.once('close', () => this.sideClosed(peer, client, NGHTTP2_CONNECT_ERROR));
    this.toPeer.start();
    this.fromPeer.start();
  }

  get heldBytes(): number {
    return this.toPeer.heldBytes + this.fromPeer.heldBytes;
  }

  /** Since when nothing of what is held was taken, by the monotonic clock; null when nothing is held. */
  get stalledSinceMs(): number | null {
    return stalledSinceMs(this.toPeer, this.fromPeer);
  }

  get movedMs(): number {
    return Math.max(this.toPeer.movedMs, this.fromPeer.movedMs);
  }

  end(why: TunnelEnd): void {
    const code = why === 'stopping' ? NGHTTP2_CANCEL : NGHTTP2_ENHANCE_YOUR_CALM;
    this.parts.client.close(code);
    this.parts.peer.close(NGHTTP2_CANCEL);
  }

  private admit(direction: Direction, sizeBytes: number): number | null {
    const { reach, serve, onMoved } = this.parts;
    if (!reach.hasBytes(sizeBytes) || serve?.hasBytes(sizeBytes) === false) {
      this.end('spent');
      return null;
    }
    onMoved(direction, sizeBytes);
    return Math.max(reach.move(sizeBytes, true), serve?.move(sizeBytes, false) ?? 0);
  }

  /** A side that ended as it should leaves the other to send what is under way; any other end is the end of both. */
  private sideClosed(side: Http2Stream & Duplex, other: Http2Stream, code: number): void {
    const isClean = side.rstCode === NGHTTP2_NO_ERROR && side.readableEnded && side.writableFinished;
    if (!other.closed && !isClean) other.close(code);
    if (this.parts.client.destroyed && this.parts.peer.destroyed) this.onClose();
  }
}
