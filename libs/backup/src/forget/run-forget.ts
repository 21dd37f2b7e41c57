// Forgets snapshots: by their ids, or those that a policy does not keep. The chunks stay until a prune.
import { type ListedObject, type ObjectId, type PeerId, ProtocolError } from '#protocol';
import type { DeletionOutcome, ObjectDeleter } from '../delete/object-deleter.js';
import {
  type BackupPlace,
  filterSnapshots,
  isEveryone,
  isOfBackup,
  type SnapshotFilter,
} from '../snapshots/filter-snapshots.js';
import { resolveAmong } from '../snapshots/find-snapshot.js';
import { type Grouping, type GroupKey, groupSnapshots } from '../snapshots/group-snapshots.js';
import type { StoredSnapshot } from '../snapshots/list-snapshots.js';
import { decideForget, type ForgetDecision } from './decide-forget.js';
import { type ForgetPolicy, isEmptyPolicy } from './forget-policy.js';
import type { OffsetMinutesOf } from './local-calendar.js';

export interface ForgetRequest {
  /** These, and no others: the policy and the filter have no say then. */
  readonly ids: readonly string[];
  readonly filter: SnapshotFilter;
  /** Of what the filter chooses, only this machine's snapshots of exactly these paths and tags. */
  readonly ofBackup?: Omit<BackupPlace, 'machineId'>;
  readonly groupBy: readonly Grouping[];
  readonly policy: ForgetPolicy;
  /** Decide and tell, and change nothing. */
  readonly dryRun: boolean;
  /** A group may lose its last snapshot; an empty policy removes everything that the filter chooses. */
  readonly removeAll: boolean;
}

export interface ForgottenGroup extends ForgetDecision {
  /** null when snapshots were named by their ids. */
  readonly key: GroupKey | null;
}

export interface ForgetSummary {
  /** Every snapshot that there was; the short ids of tables are made of them. */
  readonly known: readonly ObjectId[];
  readonly groups: readonly ForgottenGroup[];
  /** Snapshots that were, or with `dryRun` would be, removed: in no list any more. */
  readonly removed: readonly ObjectId[];
  /** Snapshots that somebody promised to keep for longer (`backup --retain`): they stay until then. */
  readonly retained: DeletionOutcome['retained'];
}

/**
 * snapshots    all that can be read
 * listed       all objects of the account: a snapshot that cannot be read is removed by its id, too
 *
 * throws   snapshot_unknown | forget_keeps_nothing: before anything is removed | what the deleter throws
 */
export async function runForget(
  parts: {
    readonly deleter: Pick<ObjectDeleter, 'delete'>;
    readonly offsetMinutesOf: OffsetMinutesOf;
    readonly machineId: PeerId;
  },
  account: { readonly snapshots: readonly StoredSnapshot[]; readonly listed: readonly ListedObject[] },
  request: ForgetRequest & { readonly signal: AbortSignal },
): Promise<ForgetSummary> {
  const { snapshots, listed } = account;
  const known = listed.filter(({ kind }) => kind === 'snapshot').map(({ objectId }) => objectId);
  const { filter } = request;
  const named = request.ids.map((snapshot) => resolveAmong(account, { snapshot, filter }));
  const groups =
    named.length > 0
      ? [{ key: null, keep: [], remove: snapshots.filter(({ id }) => named.includes(id)) }]
      : decideGroups(candidatesOf(snapshots, request, parts.machineId), request, parts.offsetMinutesOf);
  const wanted = named.length > 0 ? [...new Set(named)] : groups.flatMap(({ remove }) => remove.map(({ id }) => id));
  if (request.dryRun || wanted.length === 0) return { known, groups, removed: wanted, retained: [] };

  const { deleted, pending, retained } = await parts.deleter.delete(wanted, request.signal);
  const gone = new Set([...deleted, ...pending]);
  return { known, groups, removed: wanted.filter((id) => gone.has(id)), retained };
}

function candidatesOf(
  snapshots: readonly StoredSnapshot[],
  { ofBackup }: ForgetRequest,
  machineId: PeerId,
): readonly StoredSnapshot[] {
  if (ofBackup === undefined) return snapshots;
  return snapshots.filter(({ snapshot }) => isOfBackup(snapshot, { ...ofBackup, machineId }));
}

function decideGroups(
  snapshots: readonly StoredSnapshot[],
  { filter, groupBy, policy, removeAll }: ForgetRequest,
  offsetMinutesOf: OffsetMinutesOf,
): ForgottenGroup[] {
  if (removeAll && isEmptyPolicy(policy) && isEveryone(filter)) {
    const detail = 'to remove all snapshots, choose them by --host, --tag or --path, or give their ids';
    throw new ProtocolError('usage', {}, { detail });
  }
  const groups = groupSnapshots(filterSnapshots(snapshots, filter), groupBy);
  return groups.map(({ key, snapshots: list }) => {
    const decision =
      removeAll && isEmptyPolicy(policy)
        ? { keep: [], remove: list.toReversed() }
        : decideForget(list, policy, offsetMinutesOf);
    if (decision.keep.length === 0 && !removeAll) {
      const group = [key.hostname ?? '', ...(key.paths ?? [])].join(' ').trim();
      throw new ProtocolError('forget_keeps_nothing', { reason: group === '' ? 'all snapshots' : group });
    }
    return { key, ...decision };
  });
}
