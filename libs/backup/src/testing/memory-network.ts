// A broker and hosts in memory that store, list, give back and delete as the real ones promise; every call can be made to fail.
import {
  type BeginDeleteAnswer,
  type BeginGetAnswer,
  type BeginPutAnswer,
  type ContentId,
  formatTime,
  type ListedObject,
  type ListObjectsQuery,
  type ObjectId,
  type ObjectToGet,
  type ObjectToPut,
  type PeerAddress,
  type PeerId,
  ProtocolError,
  type Report,
  type SendReportsAnswer,
  type TransactionId,
  uuidV7,
} from '#protocol';
import type { EngineLinks } from '../engine-parts.js';
import type { BrokerPort, HostsPort } from '../ports.js';
import type { Seeded } from '../prune/testing/seeded.js';

interface KnownShard {
  readonly cid: ContentId;
  readonly sizeBytes: number;
  readonly host: number;
  /** The broker has heard of the receipt. */
  isStored: boolean;
}

interface KnownObject {
  readonly about: Omit<ObjectToPut, 'shards' | 'avoid'>;
  readonly createdMs: number;
  readonly shards: Map<number, KnownShard>;
  isDeleted: boolean;
}

type Transaction =
  | { readonly op: 'put' | 'get'; readonly objectId: ObjectId; readonly index: number; readonly host: number }
  | { readonly op: 'delete'; readonly host: number; readonly items: readonly { objectId: ObjectId; index: number }[] };

export class MemoryNetwork {
  private readonly objects = new Map<ObjectId, KnownObject>();
  private readonly disks: Map<ContentId, Buffer>[];
  private readonly transactions = new Map<TransactionId, Transaction>();
  /** Puts that hosts have taken and not told the broker of. */
  private readonly untold = new Set<TransactionId>();

  constructor(
    private readonly random: Seeded,
    private readonly options: {
      readonly hosts: number;
      readonly dataShards: number;
      readonly totalShards: number;
      readonly safeShards: number;
      readonly nowMs: () => number;
    },
  ) {
    this.disks = Array.from({ length: options.hosts }, () => new Map());
  }

  /** The links of one machine. `perform` does one of its calls, or throws what it gets instead: before or after it. */
  links(perform: <T>(call: string, host: number | null, act: () => T) => Promise<T>): EngineLinks {
    const broker: BrokerPort = {
      redundancy: () =>
        perform('redundancy', null, () => {
          const { dataShards, totalShards, safeShards, hosts } = this.options;
          return { dataShards, totalShards, safeShards, eligibleHosts: hosts };
        }),
      beginPut: ({ objects }) => perform('begin put', null, () => this.beginPut(objects)),
      beginGet: ({ objects }) =>
        perform('begin get', null, () => this.beginGet(objects.map(({ objectId }) => objectId))),
      beginDelete: ({ objectIds }) => perform('begin delete', null, () => this.beginDelete(objectIds)),
      listObjects: (query = {}) => perform('list', null, () => this.list(query)),
      sendReports: ({ reports }) =>
        perform('report', null, () => ({ results: reports.map((report) => this.record(report)) })),
      peerStatus: () => Promise.reject(new ProtocolError('internal')),
      repairs: { own: async () => ({ repairs: [], next: null }) },
    };
    const hosts: HostsPort = {
      putShard: (put) => this.atHost(put.host, put.signal, 'put', perform, (host) => this.put(host, put)),
      getShard: (get) => this.atHost(get.host, get.signal, 'get', perform, (host) => this.get(host, get)),
      deleteBatch: (batch) =>
        this.atHost(batch.host, batch.signal, 'delete', perform, (host) => this.erase(host, batch)),
    };
    return { broker, hosts, brokerNowMs: this.options.nowMs, close: () => Promise.resolve() };
  }

  /** Some hosts tell the broker what they have taken. */
  hostsReport(): void {
    for (const id of this.untold) {
      if (this.random.chance(0.3)) continue;
      this.settlePut(id);
    }
  }

  get listedObjects(): number {
    return this.safeObjects().length;
  }

  private beginPut(objects: readonly ObjectToPut[]): BeginPutAnswer {
    return {
      objects: objects.map(({ shards, avoid, ...about }) => {
        const { nowMs, safeShards } = this.options;
        let known = this.objects.get(about.objectId);
        if (known === undefined) {
          known = { about, createdMs: nowMs(), shards: new Map(), isDeleted: false };
          this.objects.set(about.objectId, known);
        }
        const taken = new Set([...known.shards.values()].filter(({ isStored }) => isStored).map(({ host }) => host));
        const free = this.shuffledHosts().filter((host) => !taken.has(host) && !avoid.includes(peerOf(host)));
        const permissions: BeginPutAnswer['objects'][number]['permissions'] = [];
        const unplaced: number[] = [];
        for (const { index, cid, sizeBytes } of shards) {
          const host = free.shift();
          if (host === undefined) {
            unplaced.push(index);
            continue;
          }
          known.shards.set(index, { cid, sizeBytes, host, isStored: false });
          permissions.push({ index, ...this.begin({ op: 'put', objectId: about.objectId, index, host }) });
        }
        return { objectId: about.objectId, safeShards, permissions, unplaced };
      }),
    };
  }

  private beginGet(objectIds: readonly ObjectId[]): BeginGetAnswer {
    return {
      objects: objectIds.map((objectId): ObjectToGet => {
        const known = this.objects.get(objectId);
        if (known === undefined || known.isDeleted) throw new ProtocolError('object_unknown', { objectId });
        const { kind, sizeBytes, dataShards, totalShards } = known.about;
        const permissions = [...known.shards].flatMap(([index, shard]) => {
          if (!shard.isStored) return [];
          const begun = this.begin({ op: 'get', objectId, index, host: shard.host });
          return [{ index, cid: shard.cid, sizeBytes: shard.sizeBytes, ...begun }];
        });
        return { objectId, kind, sizeBytes, dataShards, totalShards, permissions, offline: [] };
      }),
    };
  }

  private beginDelete(objectIds: readonly ObjectId[]): BeginDeleteAnswer {
    const byHost = new Map<number, { objectId: ObjectId; index: number; cid: ContentId; sizeBytes: number }[]>();
    for (const objectId of objectIds) {
      const known = this.objects.get(objectId);
      if (known === undefined) continue;
      known.isDeleted = true;
      for (const [index, { host, cid, sizeBytes }] of known.shards) {
        byHost.set(host, [...(byHost.get(host) ?? []), { objectId, index, cid, sizeBytes }]);
      }
    }
    const batches = [...byHost].map(([host, items]) => ({
      ...this.begin({ op: 'delete', host, items }),
      expiresAt: formatTime(this.options.nowMs() + 60_000),
      items,
    }));
    return { batches, offline: [], retained: [] };
  }

  private list({ state = 'safe', kind, after, limit = 1_000 }: ListObjectsQuery): {
    objects: ListedObject[];
    next: ObjectId | null;
  } {
    const all = state === 'safe' ? this.safeObjects() : this.unwantedObjects();
    const rest = all.filter(
      ({ objectId, kind: own }) => objectId > (after ?? '') && (kind === undefined || own === kind),
    );
    const objects = rest.slice(0, limit);
    return { objects, next: rest.length > limit ? (objects.at(-1)?.objectId ?? null) : null };
  }

  private safeObjects(): ListedObject[] {
    return this.objectsWhere((known) => !known.isDeleted && storedShards(known) >= this.options.safeShards);
  }

  private unwantedObjects(): ListedObject[] {
    return this.objectsWhere((known) => known.isDeleted && known.shards.size > 0);
  }

  private objectsWhere(isWanted: (known: KnownObject) => boolean): ListedObject[] {
    return [...this.objects.values()]
      .filter(isWanted)
      .map((known) => {
        const { objectId, kind, sizeBytes, dataShards, totalShards } = known.about;
        const createdAt = formatTime(known.createdMs);
        return { objectId, kind, sizeBytes, dataShards, totalShards, storedShards: storedShards(known), createdAt };
      })
      .sort((left, right) => (left.objectId < right.objectId ? -1 : 1));
  }

  /** A report, perhaps for the second time: receipts are believed only of those who gave them. */
  private record(report: Report): SendReportsAnswer['results'][number] {
    if (report.outcome === 'refused') return 'recorded';
    const { transactionId } = report;
    const begun = this.transactions.get(transactionId);
    if (begun === undefined) return 'transaction_unknown';
    if (report.outcome !== 'done') return 'recorded';
    if (report.receipt !== receiptOf(transactionId)) return 'receipt_invalid';
    if (begun.op === 'put') this.settlePut(transactionId);
    if (begun.op === 'delete') {
      for (const { objectId, index } of begun.items) this.objects.get(objectId)?.shards.delete(index);
    }
    return 'recorded';
  }

  private settlePut(transactionId: TransactionId): void {
    const put = this.transactions.get(transactionId);
    this.untold.delete(transactionId);
    if (put?.op !== 'put') return;
    const shard = this.objects.get(put.objectId)?.shards.get(put.index);
    if (shard?.host === put.host) shard.isStored = true;
  }

  private atHost<T>(
    { peerId }: PeerAddress,
    signal: AbortSignal | undefined,
    call: string,
    perform: <R>(call: string, host: number | null, act: () => R) => Promise<R>,
    act: (disk: Map<ContentId, Buffer>) => T,
  ): Promise<T> {
    const host = this.disks.findIndex((_disk, number) => peerOf(number) === peerId);
    if (signal?.aborted === true) return Promise.reject(new ProtocolError('interrupted'));
    return perform(`host ${call}`, host, () => act(this.disks[host]!));
  }

  private put(
    disk: Map<ContentId, Buffer>,
    { cid, bytes, transactionId }: Parameters<HostsPort['putShard']>[0],
  ): Awaited<ReturnType<HostsPort['putShard']>> {
    if (transactionId === undefined) throw new ProtocolError('token_invalid');
    const firstTime = !disk.has(cid);
    disk.set(cid, Buffer.from(bytes));
    this.untold.add(transactionId);
    return { receipt: receiptOf(transactionId), firstTime };
  }

  private get(
    disk: Map<ContentId, Buffer>,
    { cid, into }: Parameters<HostsPort['getShard']>[0],
  ): Awaited<ReturnType<HostsPort['getShard']>> {
    const stored = disk.get(cid);
    if (stored === undefined) throw new ProtocolError('shard_unknown');
    const bytes = into ?? Buffer.alloc(stored.length);
    stored.copy(bytes);
    return { bytes, receipt: null };
  }

  private erase(
    disk: Map<ContentId, Buffer>,
    { items, transactionId }: Parameters<HostsPort['deleteBatch']>[0],
  ): Awaited<ReturnType<HostsPort['deleteBatch']>> {
    if (transactionId === undefined) throw new ProtocolError('token_invalid');
    const results = items.map(({ cid }) => (disk.delete(cid) ? ('deleted' as const) : ('shard_unknown' as const)));
    return { receipt: receiptOf(transactionId), results };
  }

  private begin(transaction: Transaction): { transactionId: TransactionId; token: string; host: PeerAddress } {
    const number = Buffer.alloc(10);
    number.writeUInt32BE(this.transactions.size, 6);
    const transactionId = uuidV7<TransactionId>(this.options.nowMs(), number);
    this.transactions.set(transactionId, transaction);
    return { transactionId, token: 'token', host: { peerId: peerOf(transaction.host), address: '127.0.0.1', port: 1 } };
  }

  private shuffledHosts(): number[] {
    const hosts = this.disks.map((_disk, host) => host);
    for (let i = hosts.length - 1; i > 0; i--) {
      const other = this.random.below(i + 1);
      [hosts[i], hosts[other]] = [hosts[other]!, hosts[i]!];
    }
    return hosts;
  }
}

function storedShards({ shards }: KnownObject): number {
  return [...shards.values()].filter(({ isStored }) => isStored).length;
}

function peerOf(host: number): PeerId {
  return uuidV7<PeerId>(1_000, new Uint8Array(10).fill(host + 1));
}

function receiptOf(transactionId: TransactionId): string {
  return `receipt of ${transactionId}`;
}
