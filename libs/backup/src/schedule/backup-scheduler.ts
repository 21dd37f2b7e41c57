// Runs the configured backups at their times, for a machine without systemd: one at a time, and never beside a command.
import { randomInt } from 'node:crypto';
import { type Clock, type Log, Periodic } from '#process';
import { isRefusal } from '#protocol';
import type { OnEvent } from '../ports.js';
import { type BackupSet, type ClientConfig, readClientConfig } from './client-config.js';
import { decideDue } from './decide-due.js';
import { DUE_CHECK_MS } from './limits.js';
import { backUpSet, recordRun, type SetEngine } from './run-backup-set.js';
import { RunLog } from './run-log.js';
import { type WarningHome, warnOfFailure, warnOfOverdue } from './warn-people.js';

/** How often somebody may be told that a backup is overdue; telling has a pace of its own. */
const OVERDUE_CHECK_MS = 3_600_000;

export interface SchedulerOptions {
  readonly home: WarningHome;
  readonly clock: Clock;
  readonly log: Log;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Run also where the configuration does not say `agentRunsBackups`. */
  readonly isAsked: boolean;
  /** Take the home's client.lock, which a command takes as well. throws data_dir_in_use */
  readonly takeLock: () => Promise<{ release(): Promise<void> }>;
  /** The engine of the home; its caller closes it. */
  readonly openEngine: () => Promise<SetEngine & { close(): Promise<void> }>;
}

export class BackupScheduler {
  private readonly loop: Periodic;
  private readonly ending = new AbortController();
  private readonly runs: RunLog;
  private readonly jitters = new Map<string, { dueAtMs: number; share: number }>();
  private lastConfigFault = '';
  private overdueCheckedMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: SchedulerOptions) {
    const { clock, log, home } = options;
    this.runs = new RunLog(home.path);
    this.loop = new Periodic({ name: 'backups', clock, log, intervalMs: () => DUE_CHECK_MS, run: () => this.runDue() });
  }

  start(): void {
    this.loop.start();
  }

  /** No further runs; one that is under way is stopped cleanly, and the next goes on from there. */
  async stop(): Promise<void> {
    this.ending.abort();
    await this.loop.stop();
  }

  /** Run what is due at present; for the loop, and for tests. A run under way is joined. */
  async trigger(): Promise<void> {
    await this.loop.trigger();
  }

  private async runDue(): Promise<void> {
    const config = await this.readConfig();
    if (config === null || !(this.options.isAsked || config.agentRunsBackups)) return;
    const { clock } = this.options;
    const due = decideDue(config, await this.runs.read(), (set, at) => this.jitterOf(set, at), clock.nowMs());
    for (const set of due) {
      if (this.ending.signal.aborted) return;
      // What comes after waits until the next look, when a command or another backup has the home.
      if (!(await this.runSet(config, set))) break;
    }
    await this.checkOverdue(config);
  }

  /** Returns false when somebody else uses the home. */
  private async runSet(config: ClientConfig, set: BackupSet): Promise<boolean> {
    const { log, takeLock } = this.options;
    const lock = await takeLock().catch((error: unknown) => {
      if (!isRefusal(error, 'data_dir_in_use') && !isRefusal(error, 'home_in_use')) throw error;
      log.debug({ event: 'backup_waits', set: set.name });
      return null;
    });
    if (lock === null) return false;
    try {
      await this.runLocked(set);
    } catch (error) {
      if (this.ending.signal.aborted) return true;
      log.warn({ event: 'backup_failed', set: set.name, err: error });
      const run = (await this.runs.read()).findLast((last) => last.set === set.name);
      if (run?.outcome === 'failure') await warnOfFailure(this.warning(config), run);
    } finally {
      await lock.release();
    }
    return true;
  }

  private async runLocked(set: BackupSet): Promise<void> {
    const { clock, log, openEngine } = this.options;
    const onEvent: OnEvent = (event) => {
      if (event.kind === 'progress' || event.kind === 'entry' || event.kind === 'note') return;
      log.debug({ event: 'backup_told', kind: event.kind, code: event.code });
    };
    // There is a line in the run log also when no engine can be opened: the next try waits its time.
    const engine = await openEngine().catch((error: unknown) =>
      recordRun({ runs: this.runs, clock }, set.name, () => Promise.reject(error)),
    );
    try {
      const running = { signal: this.ending.signal, onEvent, scan: false };
      const { files, skipped, newBytes, seconds } = await backUpSet({ engine, runs: this.runs, clock }, set, running);
      log.info({ event: 'backup_done', set: set.name, files, skipped, newBytes, seconds });
    } finally {
      await engine.close();
    }
  }

  private async checkOverdue(config: ClientConfig): Promise<void> {
    const nowMs = this.options.clock.monotonicMs();
    if (nowMs - this.overdueCheckedMs < OVERDUE_CHECK_MS || this.ending.signal.aborted) return;
    this.overdueCheckedMs = nowMs;
    for (const { set, isOverdue, days } of await warnOfOverdue(this.warning(config))) {
      if (isOverdue) this.options.log.warn({ event: 'backup_overdue', set, days: Math.floor(days) });
    }
  }

  /** Null, and told once, when it is wrong: what runs by itself must outlive a slip of the pen. */
  private async readConfig(): Promise<ClientConfig | null> {
    const { home, log } = this.options;
    try {
      const config = await readClientConfig(home.path);
      this.lastConfigFault = '';
      return config;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (this.lastConfigFault !== error.message) log.warn({ event: 'config_refused', err: error });
      this.lastConfigFault = error.message;
      return null;
    }
  }

  private jitterOf(set: string, dueAtMs: number): number {
    const known = this.jitters.get(set);
    if (known?.dueAtMs === dueAtMs) return known.share;
    const share = randomInt(1_000_000) / 1_000_000;
    this.jitters.set(set, { dueAtMs, share });
    return share;
  }

  private warning(config: ClientConfig): Parameters<typeof warnOfOverdue>[0] {
    const { home, clock, environment, log } = this.options;
    const onFault = (detail: string): void => log.warn({ event: 'warning_not_told', detail });
    return { home, config, clock, environment, signal: this.ending.signal, onFault };
  }
}
