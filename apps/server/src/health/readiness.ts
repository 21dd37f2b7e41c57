// Whether this broker can do its work at this moment, and what stands in the way. Asked by anybody, so it is found out at
// most once in a while.
import { access, statfs } from 'node:fs/promises';
import { WRITE_UNITS_PENDING_MAX } from '#database';
import { brokerMigrations } from '#migrations/broker/index';
import type { Clock } from '#process';
import type { Policy } from '../config/policy.js';
import type { BrokerDatabase } from '../platform/broker-database.js';
import type { Settings } from '../platform/settings.js';

/** How long what was found out holds, and how long a commit may take. */
const READINESS_LIFE_MS = 2_000;
const COMMIT_MS_MAX = 5_000;

export const UNREADY_CAUSES = [
  'stopping',
  'database_unwritable',
  'migrations_pending',
  'key_encryption_key_missing',
  'disk_nearly_full',
  'write_queue_full',
  'clock_moved',
] as const;
export type UnreadyCause = (typeof UNREADY_CAUSES)[number];

export interface Unready {
  readonly cause: UnreadyCause;
  /** For the operator alone. */
  readonly detail: string;
}

export interface ReadinessParts {
  readonly database: Pick<BrokerDatabase, 'write' | 'reads' | 'waitingWrites'>;
  readonly settings: Pick<Settings, 'policy'>;
  readonly clock: Clock;
  readonly dataDir: string;
  /** Of the key-encryption key. */
  readonly keyFile: string;
}

export class Readiness {
  private isStopping = false;
  private committing: Promise<string | null> | null = null;
  private found: { readonly unready: Promise<readonly Unready[]>; readonly atMs: number } | null = null;
  private readonly startedAt: { readonly wallMs: number; readonly monotonicMs: number };

  constructor(private readonly parts: ReadinessParts) {
    const { clock } = parts;
    this.startedAt = { wallMs: clock.nowMs(), monotonicMs: clock.monotonicMs() };
  }

  /** From here on it is not ready, whatever else. */
  stop(): void {
    this.isStopping = true;
  }

  /** Everything that stands in the way, the worst first; empty when it is ready. Never throws. */
  async unready(): Promise<readonly Unready[]> {
    if (this.isStopping) return [{ cause: 'stopping', detail: 'it was told to stop' }];
    const atMs = this.parts.clock.monotonicMs();
    if (this.found === null || atMs - this.found.atMs >= READINESS_LIFE_MS) this.found = { unready: this.find(), atMs };
    return this.found.unready;
  }

  private async find(): Promise<readonly Unready[]> {
    const checks = [this.database(), this.migrations(), this.keyFile(), this.disk(), this.queue(), this.clock()];
    return (await Promise.all(checks)).filter((one) => one !== null);
  }

  /** By a commit that changes nothing, and reaches the disk as any other. */
  private async database(): Promise<Unready | null> {
    const { database, clock } = this.parts;
    let cancel = (): void => undefined;
    const late = new Promise<string>((resolve) => {
      cancel = clock.schedule(COMMIT_MS_MAX, () => resolve(`no commit within ${COMMIT_MS_MAX} ms`));
    });
    // One at a time: whoever asks while the writer hangs puts nothing more into its queue.
    this.committing ??= database
      .write((db) => db.query('UPDATE peer_state_revision SET revision = revision WHERE id = 1'))
      .then(() => null, messageOf)
      .finally(() => {
        this.committing = null;
      });
    const detail = await Promise.race([this.committing, late]);
    cancel();
    return unreadyIf('database_unwritable', detail);
  }

  private async migrations(): Promise<Unready | null> {
    const known = brokerMigrations.length;
    const detail = await this.parts.database.reads
      .query<{ made: number | string }[]>('SELECT COUNT(*) AS made FROM migrations')
      .then(
        ([row]) => (Number(row!.made) < known ? `${known - Number(row!.made)} migrations were not made` : null),
        messageOf,
      );
    return unreadyIf('migrations_pending', detail);
  }

  private get policy(): Policy['health'] {
    const { policy } = this.parts.settings;
    return policy.health;
  }

  /** It is in memory, but whoever starts without it starts no more. */
  private async keyFile(): Promise<Unready | null> {
    return unreadyIf('key_encryption_key_missing', await access(this.parts.keyFile).then(() => null, messageOf));
  }

  private async disk(): Promise<Unready | null> {
    const { diskFreeBytesMin } = this.policy;
    const detail = await freeSpace(this.parts.dataDir).then(
      ({ freeBytes }) => (freeBytes < diskFreeBytesMin ? `${freeBytes} bytes are free` : null),
      messageOf,
    );
    return unreadyIf('disk_nearly_full', detail);
  }

  private queue(): Unready | null {
    const { waitingWrites } = this.parts.database;
    const max = this.policy.writeQueueShareMax * WRITE_UNITS_PENDING_MAX;
    return unreadyIf('write_queue_full', waitingWrites >= max ? `${waitingWrites} units wait` : null);
  }

  /** Messages are told apart by their time: a clock that was set back refuses all of them until it has caught up. */
  private clock(): Unready | null {
    const { clock } = this.parts;
    const { wallMs, monotonicMs } = this.startedAt;
    const jumpMs = Math.round(clock.nowMs() - wallMs - (clock.monotonicMs() - monotonicMs));
    const isFar = Math.abs(jumpMs) > this.policy.clockJumpMsMax;
    return unreadyIf('clock_moved', isFar ? `the clock was set by ${jumpMs} ms since the start` : null);
  }
}

/** Where a path lies: bytes that we may still write, and all. */
export async function freeSpace(path: string): Promise<{ freeBytes: number; totalBytes: number }> {
  const { bavail, blocks, bsize } = await statfs(path);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}

function unreadyIf(cause: UnreadyCause, detail: string | null): Unready | null {
  return detail === null ? null : { cause, detail };
}

const messageOf = (error: Error): string => error.message;
