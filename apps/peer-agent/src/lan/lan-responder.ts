// Answers neighbours that need something (T2, T4): waits a random while, says "I have" unless it was found meanwhile.
import {
  LAN_APPROVAL_LATE_MS,
  LAN_APPROVALS_AT_ONCE_MAX,
  LAN_TASKS_MAX,
  type LanChannel,
  type LanMessage,
  type LanMethod,
  type LanOrigin,
  type LanRules,
  type NeedMessage,
} from '#peer-link';
import type { Clock, Log } from '#process';
import { isRefusal, type UnixMs } from '#protocol';
import { decideAnswer, type PlannedAnswer } from './decide-answer.js';
import type { Holdings } from './lan-holdings.js';

export interface LanResponderOptions {
  readonly channel: LanChannel;
  /** By method; a need of another one is not answered. */
  readonly holdings: ReadonlyMap<LanMethod, Holdings>;
  /** The broker's approval of an answer; throws its refusal, or broker_unreachable. */
  readonly approve: (request: { taskId: string; alias: string }, signal: AbortSignal) => Promise<string>;
  /** Where the one at this address reaches what this machine has; null when it cannot. */
  readonly aliasTowards: (from: LanOrigin) => string | null;
  readonly rules: LanRules;
  readonly random: () => number;
  readonly nowMs: () => UnixMs;
  readonly clock: Clock;
  readonly log: Log;
}

/** A need that may have to be answered. */
interface Task {
  readonly need: NeedMessage;
  readonly from: LanOrigin;
  /** Positions that nobody has found yet. */
  readonly open: Set<number>;
  readonly ending: AbortController;
  readonly untilMs: number;
}

export class LanResponder {
  /** Answers that were given. */
  answers = 0;
  private readonly tasks = new Map<string, Task>();
  private readonly startedMs: UnixMs;
  private readonly stopListening: () => void;
  private approvalsUnderWay = 0;

  constructor(private readonly options: LanResponderOptions) {
    this.startedMs = options.nowMs();
    this.stopListening = options.channel.listen((message, from) => this.heard(message, from));
  }

  close(): void {
    this.stopListening();
    for (const task of [...this.tasks.values()]) this.end(task);
  }

  private heard(message: LanMessage, from: LanOrigin): void {
    if (message.type === 'need') this.begin(message, from);
    else if (message.type === 'found') this.found(message.taskId, message.which);
  }

  private found(taskId: string, which: readonly number[]): void {
    const task = this.tasks.get(taskId);
    if (task === undefined) return;
    for (const position of which) task.open.delete(position);
    if (task.open.size === 0) this.end(task);
  }

  private begin(need: NeedMessage, from: LanOrigin): void {
    const { clock, holdings, rules } = this.options;
    // What was said before this process began may have been answered by the one before.
    if (need.timeMs < this.startedMs || this.tasks.has(need.taskId) || this.tasks.size >= LAN_TASKS_MAX) return;
    const own = holdings.get(need.method);
    if (own === undefined) return;
    const lifeMs = rules.requestMs + rules.progressWaitMsMax;
    const untilMs = clock.monotonicMs() + lifeMs;
    const open = new Set(need.subjects.keys());
    const task: Task = { need, from, open, ending: new AbortController(), untilMs };
    this.tasks.set(need.taskId, task);
    this.plan(task, own).catch((error: unknown) => {
      this.end(task);
      this.options.log.error({ event: 'lan_answer_failed', err: error });
    });
  }

  private async plan(task: Task, holdings: Holdings): Promise<void> {
    const { clock, random, rules } = this.options;
    const have: number[] = [];
    const downloading: number[] = [];
    for (const [position, subject] of task.need.subjects.entries()) {
      if (await holdings.has(subject)) have.push(position);
      else if ((await holdings.progressOf(subject)) !== null) downloading.push(position);
    }
    const planned = decideAnswer({ have, downloading }, random(), rules);
    if (planned === null || task.ending.signal.aborted) return this.end(task);
    clock.schedule(planned.approvalAfterMs, () => this.run(task, planned, holdings));
  }

  private run(task: Task, planned: PlannedAnswer, holdings: Holdings): void {
    const { clock, log } = this.options;
    if (task.ending.signal.aborted) return;
    const alias = this.options.aliasTowards(task.from);
    if (alias === null) {
      this.end(task);
      return;
    }
    const approval = this.approval(task, alias);
    // Whoever waits for it hears of its failure; nobody may by then.
    approval.catch(() => undefined);
    const answer = async (): Promise<void> => {
      const isLate = await this.isLate(approval);
      // The one who asked listens for little longer, and may be one that needs no approval.
      if (isLate) this.say(task, planned.have, { alias, approval: null });
      const words = await approval;
      if (words === undefined) return this.end(task);
      const isNews = !isLate || (words !== null && clock.monotonicMs() < task.untilMs);
      if (isNews) this.sayHave(task, planned.have, { alias, approval: words });
      if (planned.downloading.length === 0) return this.end(task);
      this.sayProgress(task, 'downloading', planned.downloading, { alias, approval: words, holdings });
    };
    clock.schedule(planned.answerAfterMs - planned.approvalAfterMs, () => {
      if (task.ending.signal.aborted) return;
      answer().catch((error: unknown) => {
        this.end(task);
        log.error({ event: 'lan_answer_failed', err: error });
      });
    });
  }

  private isLate(approval: Promise<unknown>): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const cancel = this.options.clock.schedule(LAN_APPROVAL_LATE_MS, () => resolve(true));
      approval.then(() => resolve(false), reject).finally(cancel);
    });
  }

  /** Null when the broker cannot be asked, for whoever needs no approval; undefined when there is to be no answer. */
  private async approval(task: Task, alias: string): Promise<string | null | undefined> {
    if (this.approvalsUnderWay >= LAN_APPROVALS_AT_ONCE_MAX) return null;
    this.approvalsUnderWay++;
    try {
      return await this.options.approve({ taskId: task.need.taskId, alias }, task.ending.signal);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (error.code === 'broker_unreachable') return null;
      if (error.code !== 'interrupted') this.options.log.info({ event: 'lan_answer_refused', code: error.code });
      return undefined;
    } finally {
      this.approvalsUnderWay--;
    }
  }

  /** Once for each of them. */
  private sayHave(task: Task, have: readonly number[], by: { alias: string; approval: string | null }): void {
    for (const position of this.say(task, have, by)) task.open.delete(position);
  }

  /** Returns which of them nobody has found yet. */
  private say(task: Task, have: readonly number[], by: { alias: string; approval: string | null }): readonly number[] {
    const which = have.filter((position) => task.open.has(position));
    if (which.length === 0 || task.ending.signal.aborted) return [];
    const { method, taskId } = task.need;
    if (this.options.channel.answer({ type: 'have', method, taskId, which, ...by }, task.from)) this.answers++;
    return which;
  }

  /** Tells how far it has come until it has all, or has given up, or nobody needs it any more. */
  private sayProgress(
    task: Task,
    type: 'downloading' | 'progress',
    downloading: readonly number[],
    by: { readonly alias: string; readonly approval: string | null; readonly holdings: Holdings },
  ): void {
    const { channel, clock, rules, log } = this.options;
    const { method, taskId, subjects } = task.need;
    const look = async (): Promise<void> => {
      const left: number[] = [];
      for (const position of downloading.filter((position) => task.open.has(position))) {
        const subject = subjects[position]!;
        if (await by.holdings.has(subject)) {
          this.sayHave(task, [position], { alias: by.alias, approval: by.approval });
          continue;
        }
        const progress = await by.holdings.progressOf(subject);
        if (progress === null || task.ending.signal.aborted) continue;
        channel.answer({ type, method, taskId, which: [position], ...progress }, task.from);
        left.push(position);
      }
      if (left.length === 0 || clock.monotonicMs() >= task.untilMs) return this.end(task);
      clock.schedule(rules.progressMs, () => this.sayProgress(task, 'progress', left, by));
    };
    look().catch((error: unknown) => {
      this.end(task);
      log.error({ event: 'lan_answer_failed', err: error });
    });
  }

  private end(task: Task): void {
    this.tasks.delete(task.need.taskId);
    task.ending.abort();
  }
}
