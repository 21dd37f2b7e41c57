// The space that one put request takes of hosts while it is decided; given back when the request comes to nothing.
import type { PeerId } from '#protocol';
import type { OnlineHosts } from '../placement/online-hosts.js';

export class HostHolds {
  private readonly held: { peerId: PeerId; sizeBytes: number }[] = [];

  constructor(private readonly hosts: OnlineHosts) {}

  hold(peerId: PeerId, sizeBytes: number): void {
    this.hosts.hold(peerId, sizeBytes);
    this.held.push({ peerId, sizeBytes });
  }

  undo(): void {
    for (const { peerId, sizeBytes } of this.held.splice(0)) this.hosts.release(peerId, sizeBytes);
  }
}
