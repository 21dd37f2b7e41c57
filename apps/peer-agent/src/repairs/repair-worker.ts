// Repairs objects of others: asks the broker for a task, does it, and says that it is done, as long as there is one.
import { Injectable } from '@nestjs/common';
import { BrokerClient } from '#broker-api';
import { PeerHome } from '#peer-home';
import { Bandwidth, PeerLink, type Way } from '#peer-link';
import { Clock, Log } from '#process';
import { isRefusal, type RepairTask, type TaskId } from '#protocol';
import { AgentConfig } from '../config.js';
import { LanNode } from '../lan/lan-node.js';
import { REPAIR_OBJECT_BYTES_MAX, REPAIR_REFUSED_MS, REPAIR_REST_MS } from '../limits.js';
import { HostTime } from '../state/host-time.js';
import { repairObject } from './repair-object.js';

@Injectable()
export class RepairWorker {
  private readonly settings: NonNullable<AgentConfig['repairs']> | null;
  private readonly link: PeerLink | null;
  /** For neighbours, who are other addresses of peers that may be reached elsewhere at the same time. */
  private readonly nearLink: PeerLink | null;
  private nextPauseMs = REPAIR_REST_MS;
  /** Tasks whose end the broker has not heard of. */
  private readonly open = new Set<TaskId>();

  constructor(
    { repairs = null }: AgentConfig,
    home: PeerHome,
    private readonly broker: BrokerClient,
    private readonly time: HostTime,
    private readonly lan: LanNode,
    clock: Clock,
    private readonly log: Log,
  ) {
    this.settings = repairs;
    if (repairs === null) {
      this.link = null;
      this.nearLink = null;
      return;
    }
    const limit = (): number | null => repairs.bytesPerSecond;
    const bandwidths = { upload: new Bandwidth(clock, limit), download: new Bandwidth(clock, limit) };
    this.link = new PeerLink({ home, clock, log, bandwidths });
    this.nearLink = new PeerLink({ home, clock, log, bandwidths });
  }

  /** How many hosts were reached last by which way. */
  get hostsByWay(): Record<Way, number> {
    const counts: Record<Way, number> = { lan: 0, direct: 0, relay: 0 };
    for (const { way } of this.link?.ways() ?? []) counts[way]++;
    return counts;
  }

  /** How long to wait before the broker is asked again. */
  get pauseMs(): number {
    return this.nextPauseMs;
  }

  /** Do what there is, several objects at a time. A broker that cannot be reached, or refuses, is asked again later. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.settings === null || this.link === null) return;
    this.nextPauseMs = REPAIR_REST_MS;
    const { link } = this;
    const turns = Array.from({ length: this.settings.atOnce }, async () => {
      for (let task = await this.ask(signal); task !== null; task = await this.ask(signal)) {
        if (!(await this.repair(link, task, signal))) return;
      }
    });
    await Promise.all(turns);
  }

  /** After the last run: tasks that it left in the middle are others' at once, and not when their lives are over. */
  async giveUp(signal: AbortSignal): Promise<void> {
    for (const taskId of this.open) await this.broker.repairs.end({ taskId, failure: 'interrupted' }, { signal });
    this.open.clear();
  }

  async close(): Promise<void> {
    await this.link?.close();
    await this.nearLink?.close();
  }

  private async ask(signal: AbortSignal): Promise<RepairTask | null> {
    if (signal.aborted) return null;
    try {
      const { task, askAgainMs } = await this.broker.repairs.begin(
        { objectBytesMax: REPAIR_OBJECT_BYTES_MAX },
        { signal },
      );
      if (task === null) this.nextPauseMs = Math.max(this.nextPauseMs, askAgainMs);
      else this.open.add(task.taskId);
      return task;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.nextPauseMs = REPAIR_REFUSED_MS;
      return null;
    }
  }

  /** False when it was interrupted, or nobody could be told: the task ends with its life at the latest. */
  private async repair(link: PeerLink, task: RepairTask, signal: AbortSignal): Promise<boolean> {
    const { taskId, objectId } = task;
    try {
      const { neighbours } = this.lan;
      const near = neighbours === null || this.nearLink === null ? null : { neighbours, link: this.nearLink };
      const ports = { link, near, nowMs: () => this.time.nowMs() };
      const { reports, storedShards, failure } = await repairObject(ports, task, signal);
      // First the receipts: what the broker has not heard of does not count as repaired.
      if (reports.length > 0) await this.broker.sendReports({ reports: [...reports] }, { signal });
      await this.broker.repairs.end({ taskId, ...(failure !== null && { failure: failure.code }) }, { signal });
      this.open.delete(taskId);
      const shards = {
        storedShards,
        ofShards: task.targets.length,
        ways: this.hostsByWay,
        ...(failure !== null && { code: failure.code }),
      };
      this.log.info({ event: 'object_repaired', taskId, objectId, ...shards });
      return true;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (error.code !== 'interrupted') this.open.delete(taskId);
      this.log.warn({ event: 'repair_left', taskId, objectId, code: error.code });
      return false;
    }
  }
}
