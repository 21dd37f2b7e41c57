// One connection on which a peer serves this relay: under a lease that is asked for again and again, until there is none.
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { z } from 'zod';
import {
  ATTACHMENT_PATH,
  type AttachmentRole,
  attachmentAnswer,
  cut,
  keepAlive,
  STREAMS_PER_CONNECTION_MAX,
  TUNNEL_OPTIONS,
  widen,
} from '#peer-link';
import type { Clock, Log } from '#process';
import { type ErrorCode, isRefusal, type PeerId, ProtocolError, type UnixMs } from '#protocol';
import type { LeaseBook } from '../leases/lease-book.js';
import type { LeaseUse } from '../leases/lease-use.js';
import { IDLE_BULK_MS_MAX, LEASE_ASK_MS_MIN, LEASE_LIFE_ASKED_AT } from '../limits.js';
import { askPeer } from './ask-peer.js';

export interface AttachmentParts {
  readonly relayId: PeerId;
  readonly leases: LeaseBook;
  readonly clock: Clock;
  readonly nowMs: () => UnixMs;
  readonly log: Log;
  /** Why a connection was refused or let go. */
  readonly onRefused: (code: ErrorCode) => void;
}

export class Attachment {
  private readonly session: ClientHttp2Session;
  private current: { readonly role: AttachmentRole; readonly lease: LeaseUse } | null = null;
  private openStreams = 0;
  private cancelAsking = (): void => undefined;
  private cancelIdle = (): void => undefined;

  /** socket   of the peer whose certificate it showed; nothing was said on it */
  constructor(
    readonly peerId: PeerId,
    socket: TLSSocket,
    private readonly parts: AttachmentParts,
    onClose: () => void,
  ) {
    this.session = connect('http://peer', { ...TUNNEL_OPTIONS, createConnection: () => socket });
    widen(this.session);
    keepAlive(this.session, parts.clock);
    this.session.on('error', (error) => parts.log.debug({ event: 'attachment_lost', peerId, err: error }));
    this.session.once('close', () => {
      this.cancelAsking();
      this.cancelIdle();
      onClose();
    });
  }

  /** What the connection is for. throws what LeaseBook.open does, and peer_unreachable */
  async begin(): Promise<AttachmentRole> {
    const { role } = await this.ask();
    if (role === 'bulk') this.waitIdle();
    return role;
  }

  /** Of the lease that it showed last; begin has come to its end. */
  get lease(): LeaseUse {
    return this.current!.lease;
  }

  get streams(): number {
    return this.openStreams;
  }

  /** Takes further streams; one that was told to go away only ends those that stand. */
  get isOpen(): boolean {
    return !this.session.closed && !this.session.destroyed;
  }

  get hasRoom(): boolean {
    return this.isOpen && this.openStreams < STREAMS_PER_CONNECTION_MAX;
  }

  /** A stream to the peer, that is counted until it closes. throws peer_unreachable when it is not open any more */
  request(headers: OutgoingHttpHeaders): ClientHttp2Stream {
    if (!this.isOpen) throw new ProtocolError('peer_unreachable', { hostId: this.peerId });
    const stream = this.session.request(headers);
    this.openStreams++;
    this.cancelIdle();
    stream.once('close', () => {
      this.openStreams--;
      if (this.openStreams === 0 && this.current?.role === 'bulk') this.waitIdle();
    });
    return stream;
  }

  /** Ask the peer something; throws as askPeer does. */
  say<T>(path: string, body: object, answer: z.ZodType<T>): Promise<T> {
    return askPeer(this.session, { path, body, answer }, this.parts.clock);
  }

  /** Take no further streams; those that stand go on. `code` tells the peer why, when it did something wrong. */
  release(code?: ErrorCode): void {
    if (this.session.destroyed) return;
    if (code !== undefined) {
      this.parts.onRefused(code);
      this.session.goaway(constants.NGHTTP2_NO_ERROR, 0, Buffer.from(code));
    }
    this.session.close();
  }

  destroy(): void {
    cut(this.session);
  }

  private async ask(): Promise<{ readonly role: AttachmentRole; readonly lease: LeaseUse }> {
    const { relayId, leases, clock } = this.parts;
    const asked = { path: ATTACHMENT_PATH, body: { relayId }, answer: attachmentAnswer };
    const answer = await askPeer(this.session, asked, clock);
    const lease = leases.open(answer.lease, { kind: 'serve', subject: this.peerId, peerId: this.peerId });
    this.current = { role: this.current?.role ?? answer.role, lease };
    this.askAgain();
    return this.current;
  }

  /** When half of what is left of the lease is over; soon again when the peer has no other one by then. */
  private askAgain(): void {
    const leftMs = this.lease.claims.expiresAtMs - this.parts.nowMs();
    this.cancelAsking();
    this.cancelAsking = this.parts.clock.schedule(Math.max(leftMs * LEASE_LIFE_ASKED_AT, LEASE_ASK_MS_MIN), () => {
      this.ask().catch((error: unknown) => this.judge(error));
    });
  }

  /** A peer may fail to show another lease as long as the one that it showed is good. */
  private judge(error: unknown): void {
    if (this.session.destroyed) return;
    if (!isRefusal(error)) this.parts.log.error({ event: 'attachment_mistake', peerId: this.peerId, err: error });
    const code = isRefusal(error) ? error.code : 'internal';
    if (this.parts.leases.isEnded(this.lease)) this.release(code);
    else this.askAgain();
  }

  private waitIdle(): void {
    this.cancelIdle();
    this.cancelIdle = this.parts.clock.schedule(IDLE_BULK_MS_MAX, () => this.session.close());
  }
}
