// A broker and hosts for reading only: the list from account.json, shards from files, and a count of what is fetched.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  contentIdOf,
  type ListedObject,
  OBJECTS_PER_PAGE_MAX,
  type ObjectId,
  type ObjectToGet,
  type PeerId,
  ProtocolError,
  type TransactionId,
  uuidV7,
} from '#protocol';
import type { EngineLinks } from '../../libs/backup/src/engine-parts.js';
import type { MadeAccount } from './make-account.js';

export class StoredAccount {
  readonly masterKey: Uint8Array;
  /** Objects whose tokens were asked for, by kind; bytes of shards that were read, and their files. */
  readonly asked: Record<string, number> = { data: 0, tree: 0, index: 0, snapshot: 0, notice: 0 };
  fetchedBytes = 0;
  readonly fetchedFiles: string[] = [];
  private readonly account: MadeAccount;
  private readonly byId: ReadonlyMap<ObjectId, ListedObject>;
  private transactions = 0;

  constructor(private readonly folder: string) {
    this.account = JSON.parse(readFileSync(join(folder, 'account.json'), 'utf8')) as MadeAccount;
    this.masterKey = Buffer.from(this.account.masterKey, 'hex');
    this.byId = new Map(this.account.objects.map((object) => [object.objectId, object]));
  }

  get links(): EngineLinks {
    const refuse = (): Promise<never> => Promise.reject(new ProtocolError('internal'));
    return {
      broker: {
        listObjects: async ({ after = '', kind, limit = OBJECTS_PER_PAGE_MAX } = {}) => this.page(after, kind, limit),
        beginGet: async ({ objects }) => ({ objects: objects.map(({ objectId }) => this.permit(objectId)) }),
        sendReports: async ({ reports }) => ({ results: reports.map(() => 'recorded' as const) }),
        redundancy: refuse,
        beginPut: refuse,
        beginDelete: refuse,
        peerStatus: refuse,
        repairs: { own: refuse },
      },
      hosts: {
        getShard: async ({ cid, into }) => {
          const file = join(this.folder, 'shards', cid);
          const bytes = await readFile(file);
          if (contentIdOf(bytes) !== cid) throw new ProtocolError('shard_content_mismatch');
          this.fetchedBytes += bytes.length;
          this.fetchedFiles.push(file);
          into?.set(bytes);
          return { bytes: into ?? bytes, receipt: null };
        },
        putShard: refuse,
        deleteBatch: refuse,
      },
      brokerNowMs: () => Date.now(),
      close: () => Promise.resolve(),
    };
  }

  private page(
    after: string,
    kind: string | undefined,
    limit: number,
  ): { objects: ListedObject[]; next: ObjectId | null } {
    const all = this.account.objects;
    // Ids rise, as they were made.
    let first = after === '' ? 0 : this.positionAfter(after);
    const objects: ListedObject[] = [];
    for (; first < all.length && objects.length < limit; first++) {
      if (kind === undefined || all[first]!.kind === kind) objects.push(all[first]!);
    }
    return { objects, next: first < all.length ? (objects.at(-1)?.objectId ?? null) : null };
  }

  private positionAfter(after: string): number {
    let [low, high] = [0, this.account.objects.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.account.objects[middle]!.objectId <= after) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private permit(objectId: ObjectId): ObjectToGet {
    const object = this.byId.get(objectId);
    if (object === undefined) throw new ProtocolError('object_unknown', { objectId });
    this.asked[object.kind]!++;
    const { kind, sizeBytes, dataShards, totalShards } = object;
    const size = this.account.shardBytes[objectId];
    const permissions = (this.account.shards[objectId] ?? []).map((cid, index) => ({
      index,
      cid,
      sizeBytes: size!,
      transactionId: uuidV7<TransactionId>(this.transactions++, new Uint8Array(10)),
      token: 'token',
      host: { peerId: uuidV7<PeerId>(1, new Uint8Array(10).fill(index)), address: '127.0.0.1', port: 1 },
    }));
    return { objectId, kind, sizeBytes, dataShards, totalShards, permissions, offline: [] };
  }
}
