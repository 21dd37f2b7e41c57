// Mends what the broker says is due: objects of this account that lost shards, without a look at the others.
import { isRefusal, type ObjectId, type OwnRepair, ProtocolError } from '#protocol';
import { isLossOfData } from '../get/loss-of-data.js';
import type { ObjectCache } from '../get/object-cache.js';
import type { BrokerPort, OnEvent } from '../ports.js';
import type { ShardMender } from './shard-mender.js';

export interface MendDueParts {
  readonly broker: Pick<BrokerPort, 'repairs'>;
  readonly objects: Pick<ObjectCache, 'get'>;
  readonly mender: Pick<ShardMender, 'mend'>;
}

export interface MendedDue {
  readonly objects: number;
  readonly shards: number;
  readonly storedBytes: number;
  /** Objects that could not be had, or shards of which found no host: the broker has them repaired by others. */
  readonly leftObjects: number;
}

/** throws broker_unreachable | interrupted | ... ; an object that cannot be had is told, and left */
export async function mendDue(
  { broker, objects, mender }: MendDueParts,
  { signal, onEvent }: { readonly signal: AbortSignal; readonly onEvent: OnEvent },
): Promise<MendedDue> {
  const mended = { objects: 0, shards: 0, storedBytes: 0, leftObjects: 0 };
  const mendOne = async ({ object, shards }: OwnRepair): Promise<void> => {
    const { objectId } = object;
    const faults = shards.map(({ index, peerId }) => {
      const state = peerId === null ? ('unplaced' as const) : ('away' as const);
      return { objectId, index, peerId, state };
    });
    try {
      const { bytes } = await objects.get(objectId, signal);
      const { storedShards, storedBytes, leftShards } = await mender.mend(object, bytes, faults, signal);
      mended.shards += storedShards;
      mended.storedBytes += storedBytes;
      if (storedShards > 0) mended.objects++;
      if (leftShards > 0) mended.leftObjects++;
    } catch (error) {
      if (!isLossOfData(error) && !isRefusal(error, 'object_unknown')) throw error;
      mended.leftObjects++;
      onEvent({ kind: 'warning', code: error.code, detail: `object ${objectId} was not repaired: ${error.message}` });
    }
  };
  let after: ObjectId | null = null;
  do {
    if (signal.aborted) throw new ProtocolError('interrupted');
    const page: Awaited<ReturnType<BrokerPort['repairs']['own']>> = await broker.repairs.own(
      after === null ? {} : { after },
      { signal },
    );
    for (const repair of page.repairs) await mendOne(repair);
    after = page.next;
  } while (after !== null);
  return mended;
}
