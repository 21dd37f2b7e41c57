// Does one task: fetches as many shards as it takes, rebuilds those that are missing, puts each at its host, and says how
// each transfer went. What it holds is at most one object.
import type { LanNeighbours, NeighbourGet, PeerLink } from '#peer-link';
import {
  formatTime,
  type GetPermission,
  isRefusal,
  ProtocolError,
  type RepairTask,
  type Report,
  type UnixMs,
} from '#protocol';
import { rebuildShards } from './rebuild-shards.js';

export interface RepairPorts {
  readonly link: Pick<PeerLink, 'getShard' | 'putShard'>;
  /** Asked for sources before their hosts are, over a link of their own; null where nobody is. */
  readonly near?: {
    readonly neighbours: Pick<LanNeighbours, 'find' | 'failed' | 'keep'>;
    readonly link: Pick<PeerLink, 'getShard'>;
  } | null;
  readonly nowMs: () => UnixMs;
}

export interface RepairOutcome {
  readonly reports: readonly Report[];
  readonly storedShards: number;
  /** Why not all of it could be done; null when it was. */
  readonly failure: ProtocolError | null;
}

/** throws interrupted, and our own mistakes; every refusal is in the outcome */
export async function repairObject(
  { link, near = null, nowMs }: RepairPorts,
  task: RepairTask,
  signal: AbortSignal,
): Promise<RepairOutcome> {
  const reports: Report[] = [];
  const note = ({ transactionId }: GetPermission, done: { receipt: string | null } | ProtocolError): void => {
    if (done instanceof ProtocolError) {
      reports.push({ outcome: 'failed', transactionId, code: done.code, at: formatTime(nowMs()) });
    } else if (done.receipt !== null) reports.push({ outcome: 'done', transactionId, receipt: done.receipt });
  };
  const fetched = await fetchSources({ link, near }, task, { note, signal });
  if (fetched.failure !== null) return { reports, storedShards: 0, failure: fetched.failure };
  let rebuilt: Uint8Array[];
  try {
    rebuilt = rebuildShards({ ...task, sources: fetched.sources });
  } catch (error) {
    return { reports, storedShards: 0, failure: refusalIn(error) };
  }
  const failures = await Promise.all(
    task.targets.map(async (target, i): Promise<ProtocolError | null> => {
      const { host, token, cid, transactionId } = target;
      try {
        note(target, await link.putShard({ host, token, cid, bytes: rebuilt[i]!, transactionId, signal }));
        return null;
      } catch (error) {
        const refusal = refusalIn(error);
        note(target, refusal);
        return refusal;
      }
    }),
  );
  const failed = failures.filter((failure) => failure !== null);
  return { reports, storedShards: failures.length - failed.length, failure: failed[0] ?? null };
}

interface Fetched {
  readonly sources: ReadonlyMap<number, Uint8Array>;
  readonly failure: ProtocolError | null;
}

/** As many at once as are needed; one that fails is replaced by the next. Each is checked against its content id. */
async function fetchSources(
  { link, near }: { readonly link: RepairPorts['link']; readonly near: NonNullable<RepairPorts['near']> | null },
  { objectId, sources, dataShards }: RepairTask,
  { note, signal }: { note: (get: GetPermission, done: ProtocolError) => void; signal: AbortSignal },
): Promise<Fetched> {
  const found = new Map<number, Uint8Array>();
  const offered = (await near?.neighbours.find({ objectId, permissions: sources, enough: dataShards }, signal)) ?? [];
  const offers = new Map(offered.map((get) => [get.index, get]));
  // What a neighbour has comes first; its host is asked when that fails.
  const waiting = [...sources].sort((a, b) => Number(offers.has(b.index)) - Number(offers.has(a.index)));
  let failure: ProtocolError | null = null;
  const fromNeighbour = async (get: NeighbourGet | undefined): Promise<boolean> => {
    if (get === undefined || near === null) return false;
    try {
      const { bytes } = await near.link.getShard({ ...get, signal });
      found.set(get.index, bytes);
      near.neighbours.keep(get.cid, bytes);
      return true;
    } catch (error) {
      const refusal = refusalIn(error);
      near.neighbours.failed(get, refusal.code);
      if (get.isOwnTransaction) note(get, refusal);
      return false;
    }
  };
  const fetchUntilEnough = async (): Promise<void> => {
    for (let get = waiting.shift(); get !== undefined; get = waiting.shift()) {
      if (await fromNeighbour(offers.get(get.index))) return;
      const { host, token, cid, sizeBytes, transactionId, index } = get;
      try {
        const { bytes } = await link.getShard({ host, token, cid, sizeBytes, transactionId, signal });
        found.set(index, bytes);
        near?.neighbours.keep(cid, bytes);
        return;
      } catch (error) {
        failure = refusalIn(error);
        note(get, failure);
      }
    }
  };
  await Promise.all(Array.from({ length: dataShards }, fetchUntilEnough));
  if (found.size >= dataShards) return { sources: found, failure: null };
  return { sources: found, failure: failure ?? new ProtocolError('object_unavailable') };
}

/** Expected refusals go into the outcome; an interruption and our own mistakes go through. */
function refusalIn(error: unknown): ProtocolError {
  if (!isRefusal(error) || error.code === 'interrupted') throw error;
  return error;
}
