// One visit: what a browser sends goes to the peer and what the peer answers goes back, as fast as each side takes it and as the
// peer's lease allows, until either side or a bound ends it.
import { type ClientHttp2Stream, constants } from 'node:http2';
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '#process';
import type { PeerId } from '#protocol';
import type { LeaseUse } from '../leases/lease-use.js';
import { Pump, stalledSinceMs } from '../reach/pump.js';
import { VISIT_IDLE_MS_MAX, VISIT_STALL_MS_MAX } from './limits.js';

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = constants;

export interface VisitParts {
  readonly peerId: PeerId;
  /** What the visitor sends, and where its answer goes; the same for a WebSocket. */
  readonly request: Readable;
  readonly response: Writable;
  readonly peer: ClientHttp2Stream;
  readonly serve: LeaseUse;
  readonly clock: Clock;
  /** What the visitor may send; null is no bound. */
  readonly bodyBytesMax: number | null;
}

export class Visit {
  private readonly toPeer: Pump;
  private readonly fromPeer: Pump;
  private sentBytes = 0;
  private isAnswered = false;
  private isClosed = false;

  /** onClose  both sides are done */
  constructor(
    readonly parts: VisitParts,
    private readonly onClose: () => void,
  ) {
    const { request, response, peer, clock, bodyBytesMax } = parts;
    const admitBody = (bytes: number): number | null => {
      this.sentBytes += bytes;
      return bodyBytesMax !== null && this.sentBytes > bodyBytesMax ? this.end() : this.admit(bytes);
    };
    this.toPeer = new Pump({ source: request, sink: peer, clock, admit: admitBody, isWhole: () => !isReset(request) });
    this.fromPeer = new Pump({
      source: peer,
      sink: response,
      clock,
      admit: (bytes) => this.admit(bytes),
      isWhole: () => !isReset(peer),
    });
  }

  start(): void {
    const { request, response, peer } = this.parts;
    request.on('error', () => this.end());
    response.on('error', () => this.end());
    response.once('close', () => this.visitorClosed());
    peer.once('close', () => this.peerClosed());
    this.toPeer.start();
  }

  /** The answer has begun: what follows of it goes to the visitor. */
  answered(): void {
    this.isAnswered = true;
    this.fromPeer.start();
  }

  get heldBytes(): number {
    return this.toPeer.heldBytes + this.fromPeer.heldBytes;
  }

  /** Since when nothing of what is held was taken, by the monotonic clock; null when nothing is held. */
  get stalledSinceMs(): number | null {
    return stalledSinceMs(this.toPeer, this.fromPeer);
  }

  isOverdue(nowMs: number): boolean {
    const { stalledSinceMs } = this;
    const movedMs = Math.max(this.toPeer.movedMs, this.fromPeer.movedMs);
    const isStalled = stalledSinceMs !== null && nowMs - stalledSinceMs >= VISIT_STALL_MS_MAX;
    return isStalled || nowMs - movedMs >= VISIT_IDLE_MS_MAX;
  }

  /** The peer's side has ended, and not as it should. */
  get isBroken(): boolean {
    const { peer } = this.parts;
    return peer.destroyed && !(peer.rstCode === NGHTTP2_NO_ERROR && peer.readableEnded);
  }

  /** Both sides are cut: what was not sent whole does not look as if it were. */
  end(): null {
    this.parts.peer.close(NGHTTP2_CANCEL);
    cut(this.parts.response);
    return null;
  }

  private admit(bytes: number): number | null {
    const { serve } = this.parts;
    return serve.hasBytes(bytes) ? serve.move(bytes, true) : this.end();
  }

  private visitorClosed(): void {
    // Also of one that was answered whole: what the visitor has not sent by now, it will not.
    if (!this.parts.peer.closed) this.parts.peer.close(NGHTTP2_CANCEL);
    this.close();
  }

  private peerClosed(): void {
    const { response } = this.parts;
    // Before an answer there is none to be cut: the visitor is told what happened.
    if (this.isAnswered && this.isBroken && !response.writableFinished) cut(response);
    this.close();
  }

  private close(): void {
    const { peer, response } = this.parts;
    if (this.isClosed || !(peer.closed || peer.destroyed) || !(response.destroyed || response.writableFinished)) return;
    this.isClosed = true;
    this.onClose();
  }
}

/**
 * The visitor sees that something is missing: a connection that breaks off, or a stream that is reset. By `close` Node would
 * end a stream of HTTP/2 before it resets it, and by an end it would look whole.
 */
function cut(response: Writable & { readonly rstCode?: number | undefined }): void {
  if (response.destroyed) return;
  response.destroy('rstCode' in response ? new Error('cut off') : undefined);
}

/** Node tells the end of a stream also of one that was reset. */
function isReset(side: Readable & { readonly rstCode?: number | undefined }): boolean {
  return (side.rstCode ?? NGHTTP2_NO_ERROR) !== NGHTTP2_NO_ERROR;
}
