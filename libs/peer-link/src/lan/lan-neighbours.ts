// Shards out of neighbours' hands: who on the local network has them, under which tokens, and what becomes of them here.
import {
  type ContentId,
  type ErrorCode,
  type GetPermission,
  isRefusal,
  type LanGetAnswer,
  type LanGetRequest,
  type LanReportRequest,
  type ObjectId,
  type PeerAddress,
  type PeerId,
} from '#protocol';
import type { LanOffer, LanProgress, LanRequester } from './lan-requester.js';
import { LAN_SUBJECTS_MAX } from './lan-rules.js';
import type { ShardShelf, ShelfProgress } from './shard-shelf.js';

/** What the broker is asked for. */
export interface LanBroker {
  lanGets(request: LanGetRequest, options: { readonly signal?: AbortSignal }): Promise<LanGetAnswer>;
  lanReports(request: LanReportRequest): Promise<void>;
}

/** A shard that a neighbour has, and the permission to get it there. */
export interface NeighbourGet extends GetPermission {
  readonly taskId: string;
  /** The token was made for this fetch: nobody else reports how it went. */
  readonly isOwnTransaction: boolean;
}

export interface LanWanted {
  readonly objectId: ObjectId;
  /** As the broker permits them at their hosts. */
  readonly permissions: readonly GetPermission[];
  /** How many of them do. */
  readonly enough: number;
  readonly onProgress?: (progress: LanProgress) => void;
}

export class LanNeighbours {
  constructor(
    private readonly parts: {
      readonly requester: LanRequester;
      readonly broker: LanBroker;
      /** Null where nobody would serve what lies there. */
      readonly shelf: ShardShelf | null;
    },
  ) {}

  /** At most one for each shard; none where nobody answers in time. throws interrupted */
  async find({ objectId, permissions, enough, onProgress }: LanWanted, signal: AbortSignal): Promise<NeighbourGet[]> {
    const asked = permissions.slice(0, LAN_SUBJECTS_MAX);
    const offers = await this.parts.requester.ask({
      method: 'get',
      subjects: asked.map(({ cid }) => cid),
      enough,
      signal,
      ...(onProgress !== undefined && { onProgress }),
    });
    const offered = asked.flatMap((permission) => {
      const offer = offers.get(permission.cid);
      return offer === undefined ? [] : [{ permission, offer }];
    });
    const gets = await Promise.all(
      [...new Set(offered.map(({ offer }) => offer.peerId))].map((peerId) =>
        this.permitted(
          objectId,
          peerId,
          offered.filter(({ offer }) => offer.peerId === peerId),
          signal,
        ),
      ),
    );
    return gets.flat();
  }

  /** A neighbour that had been approved did not give the shard: in that task it is not asked again. */
  failed({ host, taskId }: NeighbourGet, code: ErrorCode): void {
    this.parts.requester.liars.note(host.peerId, taskId, code);
  }

  /** A shard came, from wherever: the next neighbour may have it from here. */
  keep(cid: ContentId, bytes: Uint8Array): void {
    this.parts.shelf?.keep(cid, bytes);
  }

  /** How far a fetch of this machine has come; null when it is over. Neighbours may wait for it (T4). */
  noteProgress(cid: ContentId, progress: ShelfProgress | null): void {
    this.parts.shelf?.noteProgress(cid, progress);
  }

  /** Tell the broker of neighbours that lied; later, when it cannot be reached now. */
  async report(): Promise<void> {
    const { requester, broker } = this.parts;
    const items = requester.liars.takeReports();
    if (items.length === 0) return;
    try {
      await broker.lanReports({ items });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      requester.liars.giveBack(items);
    }
  }

  async settle(): Promise<void> {
    await this.parts.shelf?.settle();
  }

  /** A host that the broker named for its shard is asked under that token; any other neighbour needs one of its own. */
  private async permitted(
    objectId: ObjectId,
    peerId: PeerId,
    offered: readonly { readonly permission: GetPermission; readonly offer: LanOffer }[],
    signal: AbortSignal,
  ): Promise<NeighbourGet[]> {
    const at = ({ address, port }: LanOffer): PeerAddress => ({ peerId, address, port });
    const known = offered.filter(({ permission }) => permission.host.peerId === peerId);
    const others = offered.filter(({ permission }) => permission.host.peerId !== peerId);
    const gets = known.map(({ permission, offer }): NeighbourGet => {
      return { ...permission, host: at(offer), taskId: offer.taskId, isOwnTransaction: false };
    });
    if (others.length === 0) return gets;
    const items = others.map(({ permission: { index, cid, sizeBytes } }) => ({ objectId, index, cid, sizeBytes }));
    try {
      const { permissions } = await this.parts.broker.lanGets({ hostId: peerId, items }, { signal });
      const tokens = new Map(permissions.map((permission) => [permission.cid, permission]));
      for (const { permission, offer } of others) {
        const own = tokens.get(permission.cid);
        if (own === undefined) continue;
        gets.push({ ...permission, ...own, host: at(offer), taskId: offer.taskId, isOwnTransaction: true });
      }
    } catch (error) {
      // Without a broker, or its word, the neighbour cannot be asked; the hosts can.
      if (!isRefusal(error) || error.code === 'interrupted') throw error;
    }
    return gets;
  }
}
