// A broker and hosts in memory, for tests of the put path: they do what the real ones promise, and fail when told to.
import {
  type ErrorCode,
  formatTime,
  type ObjectId,
  type PeerId,
  ProtocolError,
  type TransactionId,
  uuidV7,
} from '#protocol';
import type { BrokerPort, HostsPort } from '../ports.js';

type BeginPut = Parameters<BrokerPort['beginPut']>[0]['objects'][number];

export interface TestCode {
  dataShards: number;
  totalShards: number;
  safeShards: number;
}

export class TestNetwork {
  code: TestCode = { dataShards: 2, totalShards: 3, safeShards: 3 };
  /** Objects in the order in which the broker was asked for them; each request counts. */
  readonly begun: BeginPut[] = [];
  /** Which host took which shard of which object. */
  readonly stored: { readonly objectId: ObjectId; readonly index: number; readonly host: number }[] = [];
  /** What a host refuses with, next and ever after. */
  readonly refusals = new Map<number, ErrorCode>();
  /** Called before the broker answers to a put; what it throws is the answer. */
  onBeginPut: (object: BeginPut) => Promise<void> = async () => undefined;
  private transactions = 0;
  private readonly permitted = new Map<TransactionId, { objectId: ObjectId; index: number }>();

  constructor(private readonly hostCount: number) {}

  readonly broker: BrokerPort = {
    redundancy: async () => ({ ...this.code, eligibleHosts: this.hostCount }),
    beginPut: async ({ objects }) => {
      const [object] = objects;
      if (object === undefined) throw new ProtocolError('request_invalid');
      this.begun.push(object);
      await this.onBeginPut(object);
      return { objects: [this.permit(object)] };
    },
    beginGet: () => Promise.reject(new ProtocolError('object_unknown')),
    beginDelete: () => Promise.reject(new ProtocolError('internal')),
    listObjects: async () => ({ objects: [], next: null }),
    repairs: { own: async () => ({ repairs: [], next: null }) },
    peerStatus: () => Promise.reject(new ProtocolError('internal')),
    sendReports: async ({ reports }) => ({ results: reports.map(() => 'recorded' as const) }),
  };

  readonly hosts: HostsPort = {
    putShard: async ({ host, transactionId, signal }) => {
      const number = this.numberOf(host.peerId);
      const refusal = this.refusals.get(number);
      if (signal?.aborted) throw new ProtocolError('interrupted');
      if (refusal !== undefined) throw new ProtocolError(refusal);
      const what = transactionId === undefined ? undefined : this.permitted.get(transactionId);
      if (what === undefined) throw new ProtocolError('token_invalid');
      this.stored.push({ ...what, host: number });
      return { receipt: 'receipt', firstTime: true };
    },
    getShard: () => Promise.reject(new ProtocolError('shard_unknown')),
    deleteBatch: () => Promise.reject(new ProtocolError('shard_unknown')),
  };

  peerOf(host: number): PeerId {
    return uuidV7<PeerId>(1_000, new Uint8Array(10).fill(host + 1));
  }

  private permit(object: BeginPut): Awaited<ReturnType<BrokerPort['beginPut']>>['objects'][number] {
    if (object.dataShards !== this.code.dataShards || object.totalShards !== this.code.totalShards) {
      throw new ProtocolError('redundancy_changed');
    }
    const holding = this.stored.filter(({ objectId }) => objectId === object.objectId).map(({ host }) => host);
    const free = Array.from({ length: this.hostCount }, (_, host) => host).filter(
      (host) => !holding.includes(host) && !object.avoid.includes(this.peerOf(host)),
    );
    const placed = object.shards.slice(0, free.length);
    const permissions = placed.map(({ index }, i) => {
      const transactionId = uuidV7<TransactionId>(2_000 + this.transactions++, new Uint8Array(10));
      this.permitted.set(transactionId, { objectId: object.objectId, index });
      const host = { peerId: this.peerOf(free[i]!), address: '127.0.0.1', port: 1 };
      return { index, transactionId, token: `issued ${formatTime(0)}`, host };
    });
    const unplaced = object.shards.slice(free.length).map(({ index }) => index);
    return { objectId: object.objectId, safeShards: this.code.safeShards, permissions, unplaced };
  }

  private numberOf(peerId: PeerId): number {
    return Array.from({ length: this.hostCount }, (_, host) => host).findIndex((host) => this.peerOf(host) === peerId);
  }
}
