// The connections of one attached peer: one for control, and those that carry streams, which come when they are wanted.
import type { ClientHttp2Stream } from 'node:http2';
import { BULK_CONNECTIONS_MAX, BULK_PATH, CODE_HEADER, codeOfHeader, FROM_HEADER } from '#peer-link';
import type { Clock, Log } from '#process';
import { emptyAnswer, type PeerId, ProtocolError, type Requester } from '#protocol';
import type { LeaseUse } from '../leases/lease-use.js';
import { BULK_MS_MAX, BULK_WAITERS_MAX, PEER_ANSWER_MS_MAX, STREAMS_BEFORE_MORE } from '../limits.js';
import type { Attachment } from './attachment.js';

/** Who waits for a connection that carries its stream; null: there will be none. */
type Waiter = (attachment: Attachment | null) => void;

export class AttachedPeer {
  private control: Attachment | null = null;
  private readonly bulk = new Set<Attachment>();
  private readonly waiters = new Set<Waiter>();
  private cancelAsked: (() => void) | null = null;

  constructor(
    readonly peerId: PeerId,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  get connections(): number {
    return this.bulk.size + (this.control === null ? 0 : 1);
  }

  /** Of the connection that was made last: control is there as long as the peer is. */
  get lease(): LeaseUse | null {
    return (this.control ?? [...this.bulk].at(-1))?.lease ?? null;
  }

  /** The newest control connection counts: the one before may be half dead. */
  placeControl(attachment: Attachment): void {
    this.control?.release();
    this.control = attachment;
    if (this.waiters.size > 0) this.askForBulk();
  }

  /** False when it has as many as it may. */
  placeBulk(attachment: Attachment): boolean {
    if (this.openBulk.length >= BULK_CONNECTIONS_MAX) return false;
    this.bulk.add(attachment);
    this.settle(attachment);
    return true;
  }

  remove(attachment: Attachment): void {
    this.bulk.delete(attachment);
    if (this.control !== attachment) return;
    this.control = null;
    // What was asked for on it may never come; the next control connection asks again.
    this.cancelAsked?.();
    this.cancelAsked = null;
    if (this.openBulk.length === 0) this.settle(null);
  }

  /**
   * A stream of the peer's own, which it has accepted.
   *
   * throws   peer_not_attached | peer_unreachable | relay_full; what the peer refused with
   */
  async connect(from: Requester): Promise<ClientHttp2Stream> {
    const attachment = await this.carrier();
    const headers = { ':method': 'CONNECT', ':authority': this.peerId, [FROM_HEADER]: from };
    return accepted(attachment.request(headers), this.clock);
  }

  /** The connection with the fewest streams. Throws as connect does. */
  async carrier(): Promise<Attachment> {
    const open = this.openBulk;
    const free = open.filter(({ hasRoom }) => hasRoom);
    const [least] = free.sort((a, b) => a.streams - b.streams);
    const isBusy = least === undefined || least.streams >= STREAMS_BEFORE_MORE;
    if (isBusy && open.length < BULK_CONNECTIONS_MAX) this.askForBulk();
    if (least !== undefined) return least;
    if (open.length >= BULK_CONNECTIONS_MAX || this.waiters.size >= BULK_WAITERS_MAX) {
      throw new ProtocolError('relay_full');
    }
    if (this.control === null) throw new ProtocolError('peer_not_attached');
    return this.arrival();
  }

  /** All connections take no further streams. */
  release(): void {
    for (const attachment of this.all) attachment.release();
  }

  destroy(): void {
    for (const attachment of this.all) attachment.destroy();
  }

  /** Without those that only end what stands on them. */
  private get openBulk(): Attachment[] {
    return [...this.bulk].filter(({ isOpen }) => isOpen);
  }

  private get all(): Attachment[] {
    return [...this.bulk, ...(this.control === null ? [] : [this.control])];
  }

  private arrival(): Promise<Attachment> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = (attachment) => {
        cancel();
        this.waiters.delete(waiter);
        if (attachment === null) reject(new ProtocolError('peer_unreachable', { hostId: this.peerId }));
        else resolve(attachment);
      };
      const cancel = this.clock.schedule(BULK_MS_MAX, () => waiter(null));
      this.waiters.add(waiter);
    });
  }

  private askForBulk(): void {
    if (this.control === null || this.cancelAsked !== null) return;
    this.cancelAsked = this.clock.schedule(BULK_MS_MAX, () => {
      this.cancelAsked = null;
    });
    this.control.say(BULK_PATH, { connections: 1 }, emptyAnswer).catch((error: unknown) => {
      this.log.debug({ event: 'bulk_refused', peerId: this.peerId, err: error });
      this.settle(null);
    });
  }

  private settle(attachment: Attachment | null): void {
    this.cancelAsked?.();
    this.cancelAsked = null;
    for (const waiter of [...this.waiters]) waiter(attachment);
  }
}

/** The stream, when the peer has answered that it takes it. */
function accepted(stream: ClientHttp2Stream, clock: Clock): Promise<ClientHttp2Stream> {
  return new Promise((resolve, reject) => {
    const fail = (error: ProtocolError): void => {
      cancel();
      stream.close();
      reject(error);
    };
    const cancel = clock.schedule(PEER_ANSWER_MS_MAX, () => fail(new ProtocolError('peer_unreachable')));
    stream.on('error', (cause) => fail(new ProtocolError('peer_unreachable', {}, { cause })));
    stream.once('close', () => fail(new ProtocolError('peer_unreachable')));
    stream.once('response', (headers) => {
      if (headers[':status'] !== 200) {
        return fail(new ProtocolError(codeOfHeader(headers[CODE_HEADER], 'peer_unreachable')));
      }
      cancel();
      resolve(stream);
    });
  });
}
