// Every change through the admin interface: one unit that changes, writes the log, and keeps the answer for a repeat.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock, Log } from '#process';
import { KeyVault } from '../../keys/key-vault.js';
import { BrokerDatabase } from '../../platform/broker-database.js';
import type { AdminCaller } from '../access/admin-caller.js';
import { appendLog } from '../log/append-log.js';
import type { LoggedChange } from '../log/log-entry.js';
import { findAnswer, keepAnswer, type RepeatableRequest } from './kept-answers.js';

export interface Changed<T> {
  /** What whoever asked is told, also when they ask again: a document of JSON. */
  readonly answer: T;
  /** For the log; null when nothing changed, because it was so already. */
  readonly logged: Omit<LoggedChange, 'actor' | 'reason'> | null;
  /** Called when the change is durable, so that what is in memory follows. Not for a repeat. */
  readonly committed?: () => void;
}

@Injectable()
export class MakeChange {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly vault: KeyVault,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /**
   * Once for each idempotency key: a repeat has the first answer. Without a key each request is a new one. What was
   * refused is not kept: it is decided again.
   *
   * throws   what the unit throws | idempotency_key_reused | rate_exceeded
   */
  async run<T>(
    { key, idempotencyKey, requestHash }: AdminCaller,
    reason: string,
    unit: (db: EntityManager, nowMs: number) => Promise<Changed<T>>,
  ): Promise<T> {
    const request = idempotencyKey === null ? null : { keyId: key.id, idempotencyKey, requestHash };
    const nowMs = this.clock.nowMs();
    const { answer, logged, committed } = await this.database.write(async (db) => {
      const kept = await this.findKept<T>(db, request, nowMs);
      if (kept !== null) return kept;
      const changed = await unit(db, nowMs);
      if (changed.logged !== null) await appendLog(db, { ...changed.logged, actor: key.id, reason }, nowMs);
      if (request !== null) await keepAnswer(db, this.vault, request, changed.answer, nowMs);
      return changed;
    });
    committed?.();
    if (logged !== null) {
      this.log.info({ event: 'admin_change', action: logged.action, subject: logged.subject, adminKeyId: key.id });
    }
    return answer;
  }

  private async findKept<T>(
    db: EntityManager,
    request: RepeatableRequest | null,
    nowMs: number,
  ): Promise<Changed<T> | null> {
    const answer = request === null ? null : await findAnswer(db, this.vault, request, nowMs);
    return answer === null ? null : { answer: answer as T, logged: null };
  }
}
