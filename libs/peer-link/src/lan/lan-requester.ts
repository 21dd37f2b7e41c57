// Asks the neighbours for something and takes their first good answers (T1, T3-T5, T8): "I need", then "I found".
import { randomBytes } from 'node:crypto';
import type { Clock } from '#process';
import { encodeBase64url, LAN_TASK_ID_BYTES, type PeerId, parseAlias, type SigningKey, type UnixMs } from '#protocol';
import { judgeAnswer } from './judge-answer.js';
import type { LanChannel } from './lan-channel.js';
import { LanLiars } from './lan-liars.js';
import type { HaveMessage, LanMessage, LanMethod, LanSubject, ProgressMessage } from './lan-message.js';
import { LAN_QUIET_MS, LAN_RULES, LAN_SILENCE_MS, LAN_SUBJECTS_MAX, type LanRules } from './lan-rules.js';

/** A neighbour that has something, and may be asked for it. */
export interface LanOffer {
  readonly peerId: PeerId;
  readonly address: string;
  readonly port: number;
  readonly taskId: string;
}

/** How far a neighbour has come with what it is downloading itself. */
export interface LanProgress {
  readonly peerId: PeerId;
  readonly subject: LanSubject;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface LanWish {
  readonly method: LanMethod;
  /** At most LAN_SUBJECTS_MAX; further ones are not asked for. */
  readonly subjects: readonly LanSubject[];
  /** How many of them do; all when it is missing. */
  readonly enough?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LanProgress) => void;
}

export interface LanRequesterOptions {
  readonly channel: LanChannel;
  /** The broker's keys for approvals; none before it was first asked for them. */
  readonly approvalKeys: () => readonly SigningKey[];
  readonly trustDomain: string;
  readonly nowMs: () => UnixMs;
  readonly clock: Clock;
  readonly rules?: LanRules;
  /** Neighbours that need no approval, for a token that is held already names them. */
  readonly trusts?: (peerId: PeerId) => boolean;
}

/** One request under way. */
interface Task {
  readonly taskId: string;
  readonly method: LanMethod;
  readonly subjects: readonly LanSubject[];
  readonly enough: number;
  readonly startedMs: number;
  readonly offers: Map<LanSubject, LanOffer>;
  /** When a neighbour last said how far it has come with a subject. */
  readonly progress: Map<LanSubject, number>;
  readonly onProgress: (progress: LanProgress) => void;
  isHeard: boolean;
  end(): void;
}

export class LanRequester {
  readonly liars: LanLiars;
  private readonly rules: LanRules;
  private readonly tasks = new Map<string, Task>();
  private readonly stopListening: () => void;
  private quietUntilMs = 0;
  /** When the first request began of those that nobody answered, since somebody did. */
  private silentSinceMs: number | null = null;

  constructor(private readonly options: LanRequesterOptions) {
    this.rules = options.rules ?? LAN_RULES;
    this.liars = new LanLiars(options.nowMs);
    this.stopListening = options.channel.listen((message) => this.heard(message));
  }

  /**
   * Who has which of these, as far as it was said in time: at once when there are enough, else when the time of the
   * request is over. Neighbours that are downloading are waited for as long as they go on, within bounds. When nobody has
   * answered anything for long, nobody is asked for a while.
   */
  async ask({ method, subjects, enough, signal, onProgress }: LanWish): Promise<ReadonlyMap<LanSubject, LanOffer>> {
    const wanted = [...new Set(subjects)].slice(0, LAN_SUBJECTS_MAX);
    const none = new Map<LanSubject, LanOffer>();
    if (wanted.length === 0 || signal?.aborted) return none;
    if (this.options.clock.monotonicMs() < this.quietUntilMs) return none;
    if (!(await this.options.channel.open())) return none;
    return new Promise((resolve) => {
      const task = this.begin({ method, subjects: wanted, enough: enough ?? wanted.length, onProgress }, (offers) => {
        signal?.removeEventListener('abort', task.end);
        resolve(offers);
      });
      signal?.addEventListener('abort', task.end, { once: true });
      const isSaid = this.options.channel.say({ type: 'need', method, taskId: task.taskId, subjects: wanted });
      if (isSaid) this.watch(task);
      else task.end();
    });
  }

  /** Nobody is waited for any more. */
  close(): void {
    this.stopListening();
    for (const task of [...this.tasks.values()]) task.end();
  }

  private begin(
    wish: Pick<Task, 'method' | 'subjects' | 'enough'> & { readonly onProgress: LanWish['onProgress'] | undefined },
    done: (offers: ReadonlyMap<LanSubject, LanOffer>) => void,
  ): Task {
    const taskId = encodeBase64url(randomBytes(LAN_TASK_ID_BYTES));
    const task: Task = {
      ...wish,
      onProgress: wish.onProgress ?? (() => undefined),
      taskId,
      startedMs: this.options.clock.monotonicMs(),
      offers: new Map(),
      progress: new Map(),
      isHeard: false,
      end: () => {
        if (!this.tasks.delete(taskId)) return;
        // Those who still wait with an answer need not give it.
        if (task.isHeard) this.sayFound(task, task.subjects);
        done(task.offers);
      },
    };
    this.tasks.set(taskId, task);
    return task;
  }

  private watch(task: Task): void {
    const { clock } = this.options;
    const { requestMs, progressMs, silenceMsMax, progressWaitMsMax } = this.rules;
    clock.schedule(requestMs, () => {
      this.noteSilence(task);
      const look = (): void => {
        if (!this.tasks.has(task.taskId)) return;
        const nowMs = clock.monotonicMs();
        const isGoingOn = [...task.progress].some(
          ([subject, atMs]) => !task.offers.has(subject) && nowMs - atMs < silenceMsMax,
        );
        if (!isGoingOn || nowMs - task.startedMs >= requestMs + progressWaitMsMax) task.end();
        else clock.schedule(progressMs, look);
      };
      look();
    });
  }

  private noteSilence({ isHeard, startedMs }: Task): void {
    const nowMs = this.options.clock.monotonicMs();
    this.silentSinceMs = isHeard ? null : (this.silentSinceMs ?? startedMs);
    const isQuiet = this.silentSinceMs !== null && nowMs - this.silentSinceMs >= LAN_SILENCE_MS;
    if (isQuiet) this.quietUntilMs = nowMs + LAN_QUIET_MS;
  }

  private heard(message: LanMessage): void {
    const task = this.tasks.get(message.taskId);
    if (task === undefined || message.method !== task.method) return;
    if (message.type === 'need' || message.type === 'found') return;
    if (this.liars.isListed(message.senderId, task.taskId)) return;
    if (message.type === 'have') this.take(task, message);
    else this.noteProgress(task, message);
  }

  private take(task: Task, message: HaveMessage): void {
    const { approvalKeys, trustDomain, nowMs, trusts } = this.options;
    const isTrusted = trusts?.(message.senderId) ?? false;
    const verdict = judgeAnswer(message, { keys: approvalKeys(), trustDomain, isTrusted, nowMs: nowMs() });
    if (verdict === 'unknown') return;
    if (verdict !== 'good') {
      this.liars.note(message.senderId, task.taskId, verdict);
      return;
    }
    const found = this.subjectsOf(task, message).filter((subject) => !task.offers.has(subject));
    if (found.length === 0) return;
    task.isHeard = true;
    const { address, port } = parseAlias(message.alias)!;
    for (const subject of found) {
      task.offers.set(subject, { peerId: message.senderId, address, port, taskId: task.taskId });
    }
    if (task.offers.size >= task.enough) task.end();
    else this.sayFound(task, found);
  }

  private noteProgress(task: Task, message: ProgressMessage): void {
    const { senderId: peerId, doneBytes, totalBytes } = message;
    for (const subject of this.subjectsOf(task, message)) {
      task.isHeard = true;
      task.progress.set(subject, this.options.clock.monotonicMs());
      task.onProgress({ peerId, subject, doneBytes, totalBytes });
    }
  }

  private sayFound(task: Task, found: readonly LanSubject[]): void {
    const which = found.map((subject) => task.subjects.indexOf(subject)).sort((a, b) => a - b);
    this.options.channel.say({ type: 'found', method: task.method, taskId: task.taskId, which });
  }

  private subjectsOf(task: Task, { which }: HaveMessage | ProgressMessage): LanSubject[] {
    return which.flatMap((position) => task.subjects[position] ?? []);
  }
}
