// Who is attached to this relay: lets peers in under their leases, and finds them.
import type { TLSSocket } from 'node:tls';
import { isRefusal, type PeerId } from '#protocol';
import { CONNECTIONS_PER_PEER_MAX } from '../limits.js';
import { AttachedPeer } from './attached-peer.js';
import { Attachment, type AttachmentParts } from './attachment.js';

export interface AttachedPeersParts extends AttachmentParts {
  readonly peersMax: number;
}

export class AttachedPeers {
  private readonly peers = new Map<PeerId, AttachedPeer>();
  /** Connections of each peer, those too that have shown no lease yet. */
  private readonly connectionsOf = new Map<PeerId, Set<Attachment>>();
  /** Peers that are not attached yet are refused: an operator drains this relay, or it stops. */
  isDrained = false;

  constructor(private readonly parts: AttachedPeersParts) {}

  get count(): number {
    return this.peers.size;
  }

  get connections(): number {
    let sum = 0;
    for (const connections of this.connectionsOf.values()) sum += connections.size;
    return sum;
  }

  all(): Iterable<AttachedPeer> {
    return this.peers.values();
  }

  find(peerId: PeerId): AttachedPeer | null {
    return this.peers.get(peerId) ?? null;
  }

  /** A connection of a peer that nothing was said on; it is attached when it has shown its lease. */
  admit(socket: TLSSocket, peerId: PeerId): void {
    const { log } = this.parts;
    const connections = this.connectionsOf.get(peerId) ?? new Set();
    const isNew = !this.peers.has(peerId);
    const attachment: Attachment = new Attachment(peerId, socket, this.parts, () => this.remove(attachment));
    this.connectionsOf.set(peerId, connections);
    connections.add(attachment);
    const isFull = isNew && (this.isDrained || this.connectionsOf.size > this.parts.peersMax);
    if (isFull || connections.size > CONNECTIONS_PER_PEER_MAX) {
      attachment.release('relay_full');
      return;
    }
    this.attach(attachment).catch((error: unknown) => {
      if (!isRefusal(error)) log.error({ event: 'attachment_mistake', peerId, err: error });
      const code = isRefusal(error) ? error.code : 'internal';
      log.info({ event: 'attachment_refused', peerId, code });
      attachment.release(code);
    });
  }

  /** All peers are told to go elsewhere; what they carry goes on. */
  release(): void {
    this.isDrained = true;
    for (const connections of this.connectionsOf.values()) for (const one of connections) one.release();
  }

  destroy(): void {
    for (const connections of this.connectionsOf.values()) for (const one of connections) one.destroy();
  }

  private async attach(attachment: Attachment): Promise<void> {
    const { peerId } = attachment;
    const role = await attachment.begin();
    // It may have gone while it was asked.
    if (!this.connectionsOf.get(peerId)?.has(attachment)) return;
    const peer = this.peers.get(peerId) ?? new AttachedPeer(peerId, this.parts.clock, this.parts.log);
    if (role === 'control') peer.placeControl(attachment);
    else if (!peer.placeBulk(attachment)) return attachment.release('relay_full');
    this.peers.set(peerId, peer);
    this.parts.log.debug({ event: 'peer_attached', peerId, role });
  }

  private remove(attachment: Attachment): void {
    const { peerId } = attachment;
    const connections = this.connectionsOf.get(peerId);
    connections?.delete(attachment);
    if (connections?.size === 0) this.connectionsOf.delete(peerId);
    const peer = this.peers.get(peerId);
    peer?.remove(attachment);
    if (peer?.connections !== 0) return;
    this.peers.delete(peerId);
    this.parts.log.debug({ event: 'peer_gone', peerId });
  }
}
