// The broker of a restore from a kit: it answers from the kit alone, and permits nothing but gets.

import { shardBytesFor } from '#erasure';
import {
  type BeginGetAnswer,
  type BeginGetRequest,
  type GetPermission,
  type ListedObject,
  type ListObjectsAnswer,
  type ObjectId,
  ProtocolError,
  type SendReportsAnswer,
  type SendReportsRequest,
} from '#protocol';
import type { BrokerPort } from '../ports.js';
import type { RecoveryKit } from './recovery-kit.js';

type KitObject = RecoveryKit['objects'][number];

export class KitBroker implements BrokerPort {
  private readonly objects: ReadonlyMap<ObjectId, KitObject>;

  constructor(private readonly kit: RecoveryKit) {
    this.objects = new Map(kit.objects.map((object) => [object.objectId, object]));
  }

  async listObjects(wanted: Parameters<BrokerPort['listObjects']>[0] = {}): Promise<ListObjectsAnswer> {
    const isWanted = ({ kind, objectId }: KitObject): boolean =>
      (wanted.kind === undefined || wanted.kind === kind) && (wanted.after === undefined || objectId > wanted.after);
    const objects = wanted.state === 'deleted' ? [] : this.kit.objects.filter(isWanted);
    return { objects: objects.map(({ shards: _, ...listed }): ListedObject => listed), next: null };
  }

  /** throws object_unknown for what the kit is not about */
  async beginGet({ objects }: BeginGetRequest): Promise<BeginGetAnswer> {
    return {
      objects: objects.map(({ objectId, avoid }) => {
        const object = this.objects.get(objectId);
        if (object === undefined) throw new ProtocolError('object_unknown', { objectId });
        const { kind, sizeBytes, dataShards, totalShards } = object;
        const permissions = this.permissionsOf(object).filter(({ host }) => !avoid.includes(host.peerId));
        return { objectId, kind, sizeBytes, dataShards, totalShards, permissions, offline: [] };
      }),
    };
  }

  /** Hosts report what they served as soon as there is a broker again; a kit signs no message. */
  async sendReports({ reports }: SendReportsRequest): Promise<SendReportsAnswer> {
    return { results: reports.map(() => 'recorded') };
  }

  readonly redundancy: BrokerPort['redundancy'] = () => this.refuse();
  readonly beginPut: BrokerPort['beginPut'] = () => this.refuse();
  readonly beginDelete: BrokerPort['beginDelete'] = () => this.refuse();
  readonly peerStatus: BrokerPort['peerStatus'] = () => this.refuse();
  readonly repairs: BrokerPort['repairs'] = { own: () => this.refuse() };

  private permissionsOf({ shards, sizeBytes, dataShards }: KitObject): GetPermission[] {
    const shardBytes = shardBytesFor(sizeBytes, dataShards);
    return shards.map(([index, cid, position]) => {
      const { transactionId, token, host } = this.kit.tokens[position]!;
      return { index, cid, sizeBytes: shardBytes, transactionId, token, host: this.kit.hosts[host]! };
    });
  }

  private async refuse(): Promise<never> {
    throw new ProtocolError('kit_only_restores');
  }
}
