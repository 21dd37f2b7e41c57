// The backup engine: everything a backup program needs, as a library. It prints nothing and knows no command line.
import { randomBytes } from 'node:crypto';
import type { ListedObject, ObjectId } from '#protocol';
import { type BackupSummary, type BackupWish, putWishOf } from './backup/backup-request.js';
import { confirmEarlier } from './backup/confirm-earlier.js';
import { readRetainedChunks, retentionFrom } from './backup/retention.js';
import { runBackup } from './backup/run-backup.js';
import type { DataSubset } from './check/choose-objects.js';
import { type CheckSummary, runCheck } from './check/run-check.js';
import { type DumpOrder, type DumpSummary, runDump } from './dump/run-dump.js';
import { EngineCall, type Running, type WantedSnapshot, type WantedSnapshots } from './engine-call.js';
import {
  type EngineLinks,
  type EngineOptions,
  type EngineParts,
  type EngineState,
  openEngineParts,
  openPartsOver,
} from './engine-parts.js';
import { type DiffSummary, diffSnapshots, type SnapshotChange } from './explore/diff-snapshots.js';
import { type FindWish, findEntries } from './explore/find-entries.js';
import { type ListedEntry, type ListWish, listEntries } from './explore/list-entries.js';
import { measureSnapshots, type SnapshotStats, type StatsMode } from './explore/measure-snapshots.js';
import type { InternalParts } from './explore/read-internals.js';
import { type ForgetRequest, type ForgetSummary, runForget } from './forget/run-forget.js';
import { type KitOrder, type MadeKit, makeKit } from './kit/make-kit.js';
import { PruneWatch } from './prune/prune-watch.js';
import { runGuarded } from './prune/run-guarded.js';
import { type PruneRequest, type PruneSummary, runPrune } from './prune/run-prune.js';
import { type MendedDue, mendDue } from './repair/mend-due.js';
import { type RepairSummary, type RepairWish, runRepair } from './repair/run-repair.js';
import { ShardMender } from './repair/shard-mender.js';
import type { RestoreOrder, RestoreSummary } from './restore/restore-parts.js';
import { runRestore } from './restore/run-restore.js';
import { runNetworkSelfTest, type SelfCheckResult } from './self-test/run-self-test.js';
import { EVERY_SNAPSHOT, filterSnapshots, type SnapshotFilter } from './snapshots/filter-snapshots.js';
import type { StoredSnapshot } from './snapshots/list-snapshots.js';
import { OwnSnapshots } from './snapshots/own-snapshots.js';
import { runTag, type TagRequest, type TagSummary } from './tag/run-tag.js';
import { BackupView, type BackupViewParts } from './view/backup-view.js';
import { reloadSnapshots } from './view/reload-snapshots.js';
import { SnapshotView } from './view/snapshot-view.js';

/**
 * One engine per process and home: whoever opens it holds the home's lock. Calls run one at a time.
 *
 * All methods throw ProtocolError for what can go wrong outside: broker_unreachable, not_enough_hosts, interrupted, ...
 */
export class BackupEngine {
  private constructor(private readonly parts: EngineParts) {}

  /** throws master_key_missing | secret_file_exposed | local_disk | config_invalid | usage */
  static async open(options: EngineOptions): Promise<BackupEngine> {
    return new BackupEngine(await openEngineParts(options));
  }

  /** Over links of the caller's own, closed with it. throws local_disk */
  static async openOver(state: EngineState, links: EngineLinks): Promise<BackupEngine> {
    return new BackupEngine(await openPartsOver(state, links));
  }

  /**
   * Back up folders and files, or a stream; resolves when the snapshot is safe on its hosts. `reported` is false when the
   * broker has not heard all of it from this machine, or could not confirm it: until then no other machine sees the
   * snapshot, and a prune of another machine may not know of it. The next backup looks again before it begins.
   */
  async backup(request: Running & BackupWish): Promise<BackupSummary & { readonly reported: boolean }> {
    const { signal, onEvent, source, retain } = request;
    const { machineId, clock, outbox, folder } = this.parts;
    const call = this.call(request);
    const own = await OwnSnapshots.open(folder);
    const newWatch = (): PruneWatch => new PruneWatch({ store: call.accountStore(), machineId, clock, onEvent });
    if (request.dryRun !== true) await this.confirmEarlier(own, newWatch, request);
    let refusedBefore = 0;
    const run = async (guard: PruneWatch): Promise<BackupSummary> => {
      const attempt = this.call(request);
      const listed = await attempt.sync();
      refusedBefore = outbox.refusedReceipts;
      const retention = retain && retentionFrom(clock.nowMs(), retain, localOffsetMinutes);
      const { reading, newObjectId } = attempt;
      const made = {
        uploader: attempt.uploader(retention, putWishOf(request)),
        randomBytes,
        newObjectId,
        guard,
      };
      const relyOn = retention && (await readRetainedChunks(attempt.accountStore(), listed, retention, signal));
      const wanted = { ...request, listed, ownSnapshots: own.confirmed, ...(relyOn && { relyOn }) };
      const summary = await runBackup({ ...this.parts, ...reading, ...made }, wanted);
      if (summary.snapshotId !== null) await own.noteStored(summary.snapshotId);
      return summary;
    };
    const canRepeat = (source ?? null) === null;
    const { summary, confirmed } = await runGuarded({ newWatch, run, canRepeat }, signal).catch(
      async (error: unknown) => {
        await call.sendReports();
        throw error;
      },
    );
    const reported = (await call.sendReports(refusedBefore)) && confirmed;
    if (reported && summary.snapshotId !== null) await own.noteConfirmed(summary.snapshotId);
    return { ...summary, reported };
  }

  /** Delete what no snapshot needs, in two steps: it is marked now, and deleted by a prune after the time of grace. */
  async prune(request: Running & PruneRequest): Promise<PruneSummary> {
    const { machineId } = this.parts;
    const call = this.call(request);
    return call.reporting(() => runPrune({ store: call.accountStore(), machineId }, request));
  }

  async snapshots(running: Running): Promise<StoredSnapshot[]> {
    const call = this.call(running);
    return call.snapshotsIn(await call.list());
  }

  /** Tell the entries of a snapshot, depth first; `found` before them, which snapshot it is. */
  async list(
    request: Running & WantedSnapshot & ListWish,
    found: (stored: StoredSnapshot) => void,
    onEntry: (entry: ListedEntry) => void,
  ): Promise<void> {
    const call = this.call(request);
    const stored = await call.find(request);
    found(stored);
    await listEntries(call.reading.trees, stored.snapshot.root, request, onEntry, request.signal);
  }

  /** Restore a snapshot, or what the patterns choose of it. */
  async restore(
    request: Running & WantedSnapshot & RestoreOrder,
  ): Promise<RestoreSummary & { readonly snapshotId: ObjectId }> {
    const call = this.call(request);
    const { id, snapshot } = await call.find(request);
    const parts = { ...this.parts, ...call.reading };
    return { ...(await call.reporting(() => runRestore(parts, { ...request, snapshot }))), snapshotId: id };
  }

  /** Make a recovery kit of a snapshot: a file with which it is restored while there is no broker. */
  async makeKit(request: Running & WantedSnapshot & { readonly order: KitOrder }): Promise<MadeKit> {
    const { signal, order, filter = EVERY_SNAPSHOT } = request;
    const call = this.call(request);
    const listed = await call.sync();
    const stored = await call.findIn(listed, { ...request, filter });
    await call.learnMissing(listed, [stored]);
    const { keys, clock } = this.parts;
    const parts = { ...this.indexed(call), kitKey: keys.kitKey, clock };
    return call.reporting(() => makeKit(parts, { stored, listed }, order, signal));
  }

  /** Write one file of a snapshot, or a folder as an archive, to a stream. */
  async dump(request: Running & WantedSnapshot & DumpOrder): Promise<DumpSummary & { readonly snapshotId: ObjectId }> {
    const call = this.call(request);
    const { id, snapshot } = await call.find(request);
    return { ...(await call.reporting(() => runDump(call.reading, { ...request, snapshot }))), snapshotId: id };
  }

  /** Check that every snapshot can be restored; with `readData`, by reading every stored byte. */
  async check(request: Running & { readData: boolean; subset?: DataSubset }): Promise<CheckSummary> {
    const call = this.call(request);
    const listed = await call.sync();
    const snapshots = await call.snapshotsIn(listed);
    await call.learnMissing(listed, snapshots);
    const read = new Set(snapshots.map(({ id }) => id));
    const lostSnapshots = listed.flatMap(({ objectId, kind }) =>
      kind === 'snapshot' && !read.has(objectId) ? [objectId] : [],
    );
    const wanted = { ...request, snapshots, lostSnapshots, listed, random: Math.random };
    return call.reporting(() => runCheck({ ...this.parts, ...call.reading }, wanted));
  }

  /** Forget snapshots, by their ids or by a policy in the calendar of this machine. Their chunks stay until a prune. */
  async forget(request: Running & ForgetRequest): Promise<ForgetSummary> {
    const call = this.call(request);
    const account = await call.account();
    const { machineId } = this.parts;
    const parts = { deleter: call.deleter(), offsetMinutesOf: localOffsetMinutes, machineId };
    return call.reporting(() => runForget(parts, account, request));
  }

  /** Change the tags of the snapshots that are named, or else of those that pass the filter. */
  async tag(request: Running & TagRequest): Promise<TagSummary> {
    const call = this.call(request);
    const account = await call.account();
    const made = { uploader: call.uploader(), deleter: call.deleter(), randomBytes, newObjectId: call.newObjectId };
    const summary = await call.reporting(() => runTag({ ...this.parts, ...made }, account, request));
    await this.noteTagged(summary);
    return summary;
  }

  /** Give lost shards other hosts, and store again from local files what nobody can give back. */
  async repair(request: Running & RepairWish): Promise<RepairSummary> {
    const call = this.call(request);
    const account = await call.account();
    const made = {
      uploader: call.uploader(),
      store: call.accountStore(),
      mender: new ShardMender(call.transferring()),
      newObjectId: call.newObjectId,
      resync: () => call.sync(),
    };
    const parts = { ...this.parts, ...call.reading, ...made, randomBytes };
    return call.reporting(() => runRepair(parts, { ...request, ...account, random: Math.random }));
  }

  /** Give the shards that the broker says are due other hosts: a part of repair that looks at nothing else. */
  async mendDue(request: Running): Promise<MendedDue> {
    const call = this.call(request);
    const { broker } = this.parts;
    const parts = { broker, objects: call.reading.objects, mender: new ShardMender(call.transferring()) };
    return call.reporting(() => mendDue(parts, request));
  }

  /** One snapshot, to look into while the engine is open and `signal` is not raised. */
  async look(
    request: Running & WantedSnapshot,
  ): Promise<{ readonly stored: StoredSnapshot; readonly view: SnapshotView }> {
    const call = this.call(request);
    const stored = await call.find(request);
    return { stored, view: new SnapshotView(call.reading, stored.snapshot) };
  }

  /** Search the snapshots that are named, or else those that pass the filter. */
  async search(
    request: Running & WantedSnapshots & { readonly wish: FindWish },
    tell: Parameters<typeof findEntries>[3],
  ): Promise<void> {
    const call = this.call(request);
    const { snapshots } = await call.choose(request);
    await findEntries(this.indexed(call), snapshots, request.wish, tell, request.signal);
  }

  /** What changed from one snapshot to another. */
  async diff(
    request: Running & { readonly from: string; readonly to: string; readonly metadata: boolean },
    onChange: (change: SnapshotChange) => void,
  ): Promise<DiffSummary & { readonly from: StoredSnapshot; readonly to: StoredSnapshot }> {
    const { metadata, signal } = request;
    const call = this.call(request);
    const listed = await call.sync();
    const from = await call.findIn(listed, { snapshot: request.from });
    const to = await call.findIn(listed, { snapshot: request.to });
    const both = { from: from.snapshot, to: to.snapshot };
    return { ...(await diffSnapshots(this.indexed(call), both, metadata, onChange, signal)), from, to };
  }

  /** What the store holds inside; `use` reads while the engine is open. */
  async inside<T>(
    running: Running,
    use: (parts: InternalParts, listed: readonly ListedObject[]) => Promise<T>,
  ): Promise<T> {
    const call = this.call(running);
    return use(call.reading, await call.sync());
  }

  /** Whether a backup would find what it needs: the broker, and with `roundTrip` hosts that take, give and delete. */
  async selfTest(
    request: Running & { readonly roundTrip: boolean },
    onResult: (result: SelfCheckResult) => void,
  ): Promise<boolean> {
    const call = this.call(request);
    const { clock, outbox } = this.parts;
    const parts = {
      ...this.parts,
      fetcher: call.reading.fetcher,
      uploader: call.uploader(),
      deleter: call.deleter(),
      newObjectId: call.newObjectId,
      report: () => outbox.flush(request.signal),
    };
    return call.reporting(() => runNetworkSelfTest(parts, { ...request, clock }, onResult));
  }

  /** How much the snapshots hold that are named, or else those that pass the filter. */
  async stats(request: Running & WantedSnapshots & { readonly mode: StatsMode }): Promise<SnapshotStats> {
    const call = this.call(request);
    const chosen = await call.choose(request);
    return measureSnapshots(this.indexed(call), { ...request, ...chosen });
  }

  /** All snapshots that pass the filter, to look into while the engine is open and `signal` is not raised. */
  async view({ filter = EVERY_SNAPSHOT, ...running }: Running & { filter?: SnapshotFilter }): Promise<BackupView> {
    const call = this.call(running);
    const load: BackupViewParts['load'] = async (known) => {
      const listed = await call.sync();
      return filterSnapshots(await reloadSnapshots(call.reading, listed, known, running.signal, call.tellLost), filter);
    };
    return BackupView.open({ ...call.reading, clock: this.parts.clock, onEvent: running.onEvent, load });
  }

  async close(): Promise<void> {
    await this.parts.close();
  }

  private async confirmEarlier(own: OwnSnapshots, newWatch: () => PruneWatch, running: Running): Promise<void> {
    if (own.unconfirmed.length === 0) return;
    const { cache, clock } = this.parts;
    const call = this.call(running);
    const listed = await call.sync();
    const { onEvent, signal } = running;
    const made = { reading: call.reading, index: cache.index, store: call.accountStore(), newWatch };
    await confirmEarlier({ own, ...made, nowMs: clock.nowMs(), onEvent }, listed, signal);
  }

  /** A snapshot of this home with other tags is one of this home. */
  private async noteTagged({ changed }: TagSummary): Promise<void> {
    const own = await OwnSnapshots.open(this.parts.folder);
    for (const { oldId, newId } of changed) if (own.confirmed.includes(oldId)) await own.noteConfirmed(newId);
  }

  private call({ signal, onEvent }: Running): EngineCall {
    return new EngineCall(this.parts, { signal, onEvent });
  }

  private indexed({ reading }: EngineCall): EngineCall['reading'] & Pick<EngineParts['cache'], 'index'> {
    return { ...reading, index: this.parts.cache.index };
  }
}

/** Of the time zone of this machine. */
function localOffsetMinutes(ms: number): number {
  return -new Date(ms).getTimezoneOffset();
}
