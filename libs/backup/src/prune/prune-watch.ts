// The guard of one backup against prunes: sees the marks, holds what the run needs, and has the last word on its snapshot.
import { strict as assert } from 'node:assert';
import type { Clock } from '#process';
import { formatTime, isRefusal, type ObjectId, type PeerId, ProtocolError } from '#protocol';
import type { PruneGuard } from '../backup/prune-guard.js';
import type { OnEvent } from '../ports.js';
import type { AccountStore } from './account-store.js';
import type { HoldNotice } from './notice-codec.js';
import { NoticeReader, type Notices, publishNotice } from './notices.js';
import { HOLD_LIFE_MS, LOOK_INTERVAL_MS } from './prune-limits.js';

export interface PruneWatchParts {
  readonly store: AccountStore;
  readonly machineId: PeerId;
  readonly clock: Pick<Clock, 'schedule'>;
  readonly onEvent: OnEvent;
}

export class PruneWatch implements PruneGuard {
  private readonly reader: NoticeReader;
  private readonly relied = new Set<ObjectId>();
  /** Objects that a hold of this run covers, and until when by the broker's clock: the hold was seen before their ripeness. */
  private readonly heldUntilMs = new Map<ObjectId, number>();
  private startedMs = 0;
  private isHoldingSince = false;
  private looking: Promise<void> = Promise.resolve();
  private cancelLook: () => void = () => undefined;
  private isClosed = false;

  constructor(private readonly parts: PruneWatchParts) {
    this.reader = new NoticeReader(parts.store);
  }

  async begin(signal: AbortSignal): Promise<ReadonlySet<ObjectId>> {
    const notices = await this.reader.read(signal);
    this.startedMs = notices.beganMs;
    this.lookLater(signal);
    return new Set(notices.ripeMs.keys());
  }

  relyOn(objectId: ObjectId): void {
    this.relied.add(objectId);
  }

  async beforeSnapshot(signal: AbortSignal): Promise<void> {
    await this.looking;
    const notices = await this.look(signal);
    if (this.overdue(notices).length > 0) throw new ProtocolError('marked_meanwhile');
  }

  /**
   * In this order: the snapshot is listed; the marks; the objects. Whoever deletes one of them later has listed after its
   * mark was ripe, so after this, and found the snapshot.
   */
  async afterSnapshot(snapshotId: ObjectId, signal: AbortSignal): Promise<boolean> {
    const { store, machineId } = this.parts;
    let notices: Notices;
    let listedIds: Set<ObjectId>;
    try {
      await store.settle(signal);
      const snapshots = await store.list('snapshot', signal);
      if (!snapshots.some(({ objectId }) => objectId === snapshotId)) return false;
      notices = await this.reader.read(signal);
      listedIds = new Set((await store.list(null, signal)).map(({ objectId }) => objectId));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.parts.onEvent({ kind: 'warning', code: error.code, detail: 'the snapshot could not be confirmed yet' });
      return false;
    }
    // From here on what is known to be wrong withdraws the snapshot, and what cannot be known leaves it unconfirmed.
    const isGone = [...this.relied].some((objectId) => !listedIds.has(objectId));
    if (isGone || this.overdue(notices).length > 0) {
      await this.withdraw(snapshotId, signal);
      throw new ProtocolError('marked_meanwhile', { snapshot: snapshotId });
    }
    if (notices.givenUp.length > 0) {
      const [code, notice] = ['object_unavailable', notices.givenUp[0]] as const;
      const detail = `notice ${notice} cannot be read and may mark what the snapshot needs: it is not confirmed`;
      this.parts.onEvent({ kind: 'warning', code, detail });
      return false;
    }
    const own = notices.holds.filter((hold) => hold.machineId === machineId).map(({ id }) => id);
    await this.endHolds(own, signal);
    return true;
  }

  /** The run has ended, well or not: nobody looks any more when this resolves. Its hold stays, for a run that goes on. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.cancelLook();
    await this.looking;
  }

  /** See whether something that the run needs was marked since, and hold it. Also how a long run says that it is there. */
  async look(signal: AbortSignal): Promise<Notices> {
    const notices = await this.reader.read(signal);
    const fresh = [...this.relied].filter(
      (objectId) => !this.heldUntilMs.has(objectId) && (notices.ripeMs.get(objectId) ?? 0) > notices.endedMs,
    );
    if (fresh.length === 0) return notices;
    return this.hold(fresh, signal);
  }

  /** Marked, and neither fresh nor held: a prune may be deleting it. */
  private overdue(notices: Notices): ObjectId[] {
    return [...this.relied].filter((objectId) => {
      const ripeMs = notices.ripeMs.get(objectId);
      if (ripeMs === undefined || ripeMs > notices.endedMs) return false;
      return (this.heldUntilMs.get(objectId) ?? 0) <= notices.endedMs;
    });
  }

  private async hold(objects: readonly ObjectId[], signal: AbortSignal): Promise<Notices> {
    const { store, machineId } = this.parts;
    const since = formatTime(Math.floor(this.startedMs));
    const hold: HoldNotice = { notice: 'hold', machineId, lifeMs: HOLD_LIFE_MS, since, objects: [...objects] };
    const ids = await publishNotice(store, hold, signal);
    this.isHoldingSince = true;
    // A hold counts when it was seen, by a look that found its objects unripe still: no prune that came before deletes them.
    const notices = await this.reader.read(signal);
    for (const { id, endsMs, objects: covered } of notices.holds) {
      if (!ids.includes(id)) continue;
      for (const objectId of covered) {
        const ripeMs = notices.ripeMs.get(objectId);
        if (ripeMs === undefined || ripeMs > notices.endedMs) this.heldUntilMs.set(objectId, endsMs);
      }
    }
    return notices;
  }

  /** Look while the run goes on. From the first time on a hold keeps what it stores from being taken for left-overs. */
  private lookLater(signal: AbortSignal): void {
    if (signal.aborted || this.isClosed) return;
    this.cancelLook = this.parts.clock.schedule(LOOK_INTERVAL_MS, () => {
      if (signal.aborted) return;
      this.looking = this.lookOnTheWay(signal).finally(() => this.lookLater(signal));
    });
  }

  private async lookOnTheWay(signal: AbortSignal): Promise<void> {
    try {
      if (!this.isHoldingSince) await this.hold([], signal);
      await this.look(signal);
    } catch (error) {
      assert(isRefusal(error));
      // A broker that is away now is asked at the next look; the one before the snapshot is the one that counts.
      this.parts.onEvent({ kind: 'warning', code: error.code, detail: 'could not look for prunes' });
    }
  }

  private async withdraw(snapshotId: ObjectId, signal: AbortSignal): Promise<void> {
    try {
      await this.parts.store.delete([snapshotId], signal);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const detail = `snapshot ${snapshotId} is not whole, and could not be deleted: forget it`;
      this.parts.onEvent({ kind: 'warning', code: error.code, detail });
    }
  }

  private async endHolds(ids: readonly ObjectId[], signal: AbortSignal): Promise<void> {
    if (ids.length === 0) return;
    try {
      await this.parts.store.delete(ids, signal);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      // They end by themselves in time.
      this.parts.onEvent({ kind: 'warning', code: error.code, detail: 'a hold of this run could not be ended' });
    }
  }
}
