// Gives a worker its next task: permissions to get shards of one object, and to put those that are missing (B22, B24). The
// broker chooses object, sources and hosts; the worker chooses nothing.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '#process';
import {
  type BeginRepairAnswer,
  type BeginRepairRequest,
  formatTime,
  type GetPermission,
  type PeerId,
  ProtocolError,
  type TaskId,
  type TransactionId,
  uuidV7,
} from '#protocol';
import { AuditStandings } from '../audits/audit-standing.js';
import type { Caller } from '../control/caller.js';
import { TokenIssuer } from '../keys/token-issuer.js';
import {
  REPAIR_ASK_AGAIN_MS,
  REPAIR_FAILURES_MAX,
  REPAIR_FAILURES_REMEMBERED_MS,
  REPAIRS_LOOKED_AT_PER_TASK,
} from '../limits.js';
import type { StoredShard } from '../objects/object-rows.js';
import { OnlineHosts } from '../placement/online-hosts.js';
import { placeShards } from '../placement/place-shards.js';
import { filterOf, findMembers } from '../placement/wished-hosts.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { aboutShard } from '../transactions/begin-get.js';
import { type BegunToken, between, permittedBy } from '../transactions/begun-token.js';
import { HostHolds } from '../transactions/host-holds.js';
import { markMoving } from '../transactions/shard-places.js';
import { insertTransactions, type NewTransaction, PLAIN } from '../transactions/transaction-rows.js';
import type { AssessedObject, MissingShard } from './assess-objects.js';
import { isStarting } from './host-standing.js';
import { RepairQueue } from './repair-queue.js';
import { findRepairsFor, postponeRepair, takeRepair, type WaitingRepair } from './repair-rows.js';
import { retryAfterMs } from './retry-after.js';
import { countTasks, insertTask, markPlacing, type RepairTaskRow } from './task-rows.js';

const ENTROPY_BYTES = 10;

interface BegunTask {
  readonly task: RepairTaskRow;
  readonly assessed: AssessedObject;
  readonly gets: readonly BegunToken[];
  readonly puts: readonly BegunToken[];
}

@Injectable()
export class BeginRepair {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly settings: Settings,
    private readonly hosts: OnlineHosts,
    private readonly standings: AuditStandings,
    private readonly tokens: TokenIssuer,
    private readonly queue: RepairQueue,
  ) {}

  /** throws repairs_not_allowed */
  async run(caller: Caller, { objectBytesMax }: BeginRepairRequest): Promise<BeginRepairAnswer> {
    this.checkMayRepair(caller);
    const { policy, startedAtMs } = this.settings;
    const { repair } = policy;
    const nothing = { task: null, askAgainMs: REPAIR_ASK_AGAIN_MS };
    if (!repair.on || isStarting(policy, { nowMs: this.clock.nowMs(), startedAtMs })) return nothing;
    const holds = new HostHolds(this.hosts);
    let begun: BegunTask | null;
    try {
      begun = await this.database.write((db) => {
        holds.undo();
        return this.begin(db, caller, Math.min(objectBytesMax, repair.objectBytesMax), holds);
      });
    } catch (error) {
      holds.undo();
      throw error;
    }
    return begun === null ? nothing : { task: await this.permit(begun), askAgainMs: 0 };
  }

  /** Past its probation, there, and believed: whoever repairs is sent shards of strangers, and may be paid for it. */
  private checkMayRepair({ peer }: Caller): void {
    const isThere = this.hosts.find(peer.peerId) !== undefined;
    const isGood = this.standings.auditStandingOf(peer.peerId).verdict === 'ok';
    if (peer.state !== 'active' || !isThere || !isGood) throw new ProtocolError('repairs_not_allowed');
  }

  private async begin(
    db: EntityManager,
    caller: Caller,
    objectBytesMax: number,
    holds: HostHolds,
  ): Promise<BegunTask | null> {
    const nowMs = this.clock.nowMs();
    const { repair } = this.settings.policy;
    const { peerId, accountId } = caller.peer;
    const failedSinceMs = nowMs - REPAIR_FAILURES_REMEMBERED_MS;
    const tasks = await countTasks(db, { peerId, accountId }, failedSinceMs);
    if (tasks.running >= repair.tasksPerHostMax) return null;
    // Whoever takes tasks and does nothing would keep objects from those who repair.
    if (tasks.failedFor >= REPAIR_FAILURES_MAX && tasks.failedFor > tasks.doneFor) return null;
    const waiting = await findRepairsFor(
      db,
      { accountId, objectBytesMax },
      { nowMs, dueBeforeMs: nowMs - repair.ownerFirstMs, failedSinceMs },
      REPAIRS_LOOKED_AT_PER_TASK,
    );
    for (const one of waiting) {
      const [assessed] = await this.queue.look(db, [one.objectId], nowMs);
      if (assessed === undefined) continue;
      const begun = await this.beginOne(db, caller, { one, assessed, holds, nowMs });
      if (begun === 'of-others') continue;
      if (begun !== null) return begun;
      const attempts = one.attempts + 1;
      await postponeRepair(db, {
        objectId: one.objectId,
        attempts,
        notBeforeMs: nowMs + retryAfterMs(attempts, repair),
      });
    }
    return null;
  }

  /**
   * Null where too few shards can be had now, or no host is left for one that is missing. `of-others` where that is so for
   * this worker alone, which gets no token for itself: else whoever has one of the last k shards would put the object off
   * for all by asking.
   */
  private async beginOne(
    db: EntityManager,
    caller: Caller,
    wanted: { one: WaitingRepair; assessed: AssessedObject; holds: HostHolds; nowMs: number },
  ): Promise<BegunTask | 'of-others' | null> {
    const { one, assessed, holds, nowMs } = wanted;
    const { object } = assessed;
    const { repair, tokenLifeMs } = this.settings.policy;
    const sources = this.sourcesOf(caller.peer.peerId, assessed).slice(0, object.dataShards + repair.spareSources);
    if (assessed.sources.length < object.dataShards) return null;
    if (sources.length < object.dataShards) return 'of-others';
    const targets = await this.placeMissing(db, caller.peer.peerId, assessed);
    if (targets.length === 0) {
      // A source is no place for another shard of the object anyway.
      const others = await this.placeMissing(db, assessed.sources[0]!.hostId!, assessed);
      return others.length > 0 ? 'of-others' : null;
    }
    if (!(await takeRepair(db, object.objectId))) return 'of-others';
    // From here it must succeed.

    const expiresAtMs = nowMs + Math.min(repair.taskLifeMs, tokenLifeMs);
    const taskId = uuidV7<TaskId>(nowMs, randomBytes(ENTROPY_BYTES));
    const tokenFor = (op: 'get' | 'put', shard: StoredShard, hostId: PeerId): BegunToken => {
      const host = this.hosts.find(hostId)!;
      const row: NewTransaction = {
        ...PLAIN,
        ...aboutShard(shard),
        ...between(caller, host),
        id: uuidV7<TransactionId>(nowMs, randomBytes(ENTROPY_BYTES)),
        op,
        issuedAtMs: nowMs,
        expiresAtMs,
      };
      const isKept = op === 'put' && shard.retainUntilMs !== null && shard.retainUntilMs > nowMs;
      return {
        rows: [row],
        host: this.hosts.addressOf(host, caller.peer.peerId),
        retainUntilMs: isKept ? shard.retainUntilMs : null,
      };
    };
    const gets = sources.map((shard) => tokenFor('get', shard, shard.hostId!));
    const puts = targets.map(({ missing, hostId }) => tokenFor('put', missing.shard, hostId));
    await insertTransactions(
      db,
      [...gets, ...puts].flatMap(({ rows }) => rows),
    );
    for (const [i, { missing, hostId }] of targets.entries()) {
      const put = puts[i]!.rows[0]!;
      const { objectId, index, cid, sizeBytes } = missing.shard;
      holds.hold(hostId, sizeBytes);
      if (missing.isMove) await markMoving(db, [{ shard: missing.shard, put }]);
      else await markPlacing(db, { objectId, index, cid, hostId, transactionId: put.id, item: put.item });
    }
    const task: RepairTaskRow = {
      taskId,
      objectId: object.objectId,
      accountId: object.accountId,
      workerId: caller.peer.peerId,
      workerAccountId: caller.peer.accountId,
      shards: targets.length,
      dueSinceMs: one.dueSinceMs,
      begunAtMs: nowMs,
      expiresAtMs,
    };
    await insertTask(
      db,
      task,
      targets.map(({ missing, hostId }, i) => ({
        taskId,
        index: missing.shard.index,
        transactionId: puts[i]!.rows[0]!.id,
        hostId,
        hostAccountId: puts[i]!.rows[0]!.hostAccountId,
        lostHostId: missing.isLeaving ? null : missing.hostId,
        sizeBytes: missing.shard.sizeBytes,
      })),
    );
    return { task, assessed, gets, puts };
  }

  /** Those that stay before those that leave: a host that goes is spared. */
  private sourcesOf(workerId: PeerId, { sources, missing }: AssessedObject): StoredShard[] {
    const moving = new Set(missing.map(({ shard }) => shard.index));
    const others = sources.filter(({ hostId }) => hostId !== workerId);
    return [...others.filter(({ index }) => !moving.has(index)), ...others.filter(({ index }) => moving.has(index))];
  }

  private async placeMissing(
    db: EntityManager,
    besides: PeerId,
    { object, shards, missing }: AssessedObject,
  ): Promise<{ missing: MissingShard; hostId: PeerId }[]> {
    const byIndex = new Map(missing.map((one) => [one.shard.index, one]));
    const holders = shards.filter(({ index, hostId }) => hostId !== null && !byIndex.has(index));
    const { placed } = placeShards(
      {
        // As the owner's own put would be placed; and never at the worker, which could keep what it says it sent.
        client: { peerId: besides, accountId: object.accountId },
        shards: missing.map(({ shard }) => ({ index: shard.index, sizeBytes: shard.sizeBytes })),
        holders: holders.map(({ hostId }) => this.hosts.holderOf(hostId!)),
        avoid: missing.flatMap(({ hostId }) => hostId ?? []),
        vettingShare: this.settings.policy.placement.vettingShare,
        wishes: filterOf(object.wishes, await findMembers(db, [object.wishes])),
      },
      this.hosts.candidates(),
      Math.random,
    );
    return placed.map(({ index, peerId }) => ({ missing: byIndex.get(index)!, hostId: peerId }));
  }

  private async permit({ task, assessed, gets, puts }: BegunTask): Promise<BeginRepairAnswer['task']> {
    const sealed = await this.tokens.sealAll([...gets, ...puts].map(permittedBy));
    const permissionOf = ({ rows, host }: BegunToken, token: string): GetPermission => {
      const { id: transactionId, shardIndex, cid, sizeBytes } = rows[0]!;
      return { index: shardIndex!, cid: cid!, sizeBytes, transactionId, token, host };
    };
    return {
      taskId: task.taskId,
      objectId: task.objectId,
      dataShards: assessed.object.dataShards,
      totalShards: assessed.object.totalShards,
      expiresAt: formatTime(task.expiresAtMs),
      sources: gets.map((get, i) => permissionOf(get, sealed[i]!)),
      targets: puts.map((put, i) => permissionOf(put, sealed[gets.length + i]!)),
    };
  }
}
