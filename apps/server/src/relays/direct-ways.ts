// Which hosts that are attached to a relay are reached without it, too: what the broker's own attempts told.
import { Injectable } from '@nestjs/common';
import type { PeerId } from '#protocol';

interface Place {
  readonly peerId: PeerId;
  readonly address: string;
  readonly port: number;
}

interface Attempt extends Place {
  readonly isDirect: boolean;
  readonly atMs: number;
}

@Injectable()
export class DirectWays {
  // In memory: what is not known is tried soon. At most one each for every enrolled peer.
  private readonly attempts = new Map<PeerId, Attempt>();

  note({ peerId, address, port }: Place, isDirect: boolean, atMs: number): void {
    this.attempts.set(peerId, { peerId, address, port, isDirect, atMs });
  }

  /** Null while nobody tried where it is now. */
  isDirect(place: Place): boolean | null {
    return this.attemptAt(place)?.isDirect ?? null;
  }

  /** When it was last tried there; null for never. */
  triedAtMs(place: Place): number | null {
    return this.attemptAt(place)?.atMs ?? null;
  }

  private attemptAt({ peerId, address, port }: Place): Attempt | null {
    const attempt = this.attempts.get(peerId);
    return attempt !== undefined && attempt.address === address && attempt.port === port ? attempt : null;
  }
}
