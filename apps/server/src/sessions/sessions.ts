// Sessions of browsers: a random secret in a cookie here, its hash in the database there; they slide, and they end.
import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changeMany, changeOne } from '#database';
import { Clock } from '#process';
import { type AccountId, encodeBase64url, KEY_BYTES } from '#protocol';
import { SESSION_SEEN_STEP_MS } from '../limits.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { formTokenOf } from '../web/form-token.js';
import { RedirectTo } from '../web/redirect-to.js';
import { SessionEntity } from './session.entity.js';
import type { Session } from './session.js';

export interface CreatedSession {
  /** Goes into the cookie, and nowhere else. */
  readonly secret: string;
  readonly lifeMs: number;
}

@Injectable()
export class Sessions {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly settings: Settings,
  ) {}

  /**
   * Begin a session, in the unit that signs the account in. Always under a new id, so that an id planted before the
   * sign-in is worth nothing. Past the bound of the policy the account's oldest sessions end: whoever has the password
   * gets in, and forgotten browsers are signed out.
   */
  async create(db: EntityManager, accountId: AccountId): Promise<CreatedSession> {
    const { lifeMs, perAccountMax } = this.settings.policy.sessions;
    const nowMs = this.clock.nowMs();
    const secret = encodeBase64url(randomBytes(KEY_BYTES));
    await changeMany(db, 'DELETE FROM sessions WHERE expires_at_ms <= $1', [nowMs]);
    await changeMany(
      db,
      `DELETE FROM sessions WHERE account_id = $1 AND id_hash NOT IN
         (SELECT id_hash FROM sessions WHERE account_id = $2 ORDER BY seen_at_ms DESC, id_hash LIMIT $3)`,
      [accountId, accountId, perAccountMax - 1],
    );
    await db.insert(SessionEntity, {
      idHash: hashOf(secret),
      accountId,
      signedInAtMs: nowMs,
      seenAtMs: nowMs,
      expiresAtMs: nowMs + lifeMs,
    });
    return { secret, lifeMs };
  }

  /** The session of a cookie; null for none, unknown, ended, idle for too long or expired. */
  async find(secret: string | null): Promise<Session | null> {
    if (secret === null) return null;
    const idHash = hashOf(secret);
    const row = await this.database.reads.findOneBy(SessionEntity, { idHash });
    if (row === null) return null;
    const nowMs = this.clock.nowMs();
    const { idleMs } = this.settings.policy.sessions;
    if (nowMs >= row.expiresAtMs || nowMs - row.seenAtMs >= idleMs) return null;
    if (nowMs - row.seenAtMs >= SESSION_SEEN_STEP_MS) await this.recordSeen(idHash, nowMs);
    const { accountId, signedInAtMs } = row;
    return { idHash, accountId, signedInAtMs, csrfToken: formTokenOf(secret) };
  }

  async end(secret: string): Promise<void> {
    await this.database.write((db) => changeOne(db, 'DELETE FROM sessions WHERE id_hash = $1', [hashOf(secret)]));
  }

  /** End every session of the account but `kept`; returns how many. In the unit that changes what they rest on. */
  endAllOf(db: EntityManager, accountId: AccountId, kept: Session | null): Promise<number> {
    const keptHash = kept?.idHash ?? '';
    return changeMany(db, 'DELETE FROM sessions WHERE account_id = $1 AND id_hash <> $2', [accountId, keptHash]);
  }

  /**
   * For what must not be done from a browser that somebody left signed in: the password was given recently.
   *
   * maxAgeMs   how long ago at most
   * next       the page to come back to
   * throws     RedirectTo the sign-in page
   */
  requireFreshSignIn(session: Session, maxAgeMs: number, next: string): void {
    if (this.isFresh(session, maxAgeMs)) return;
    throw new RedirectTo(signInPath(next));
  }

  /** Was the password given so recently? */
  isFresh({ signedInAtMs }: Session, maxAgeMs: number): boolean {
    return this.clock.nowMs() - signedInAtMs <= maxAgeMs;
  }

  private async recordSeen(idHash: string, nowMs: number): Promise<void> {
    await this.database.write((db) =>
      changeOne(db, 'UPDATE sessions SET seen_at_ms = $1 WHERE id_hash = $2 AND seen_at_ms < $3', [
        nowMs,
        idHash,
        nowMs,
      ]),
    );
  }
}

/** The sign-in page that returns to `next`, a path of this site. */
export function signInPath(next: string): string {
  return `/sign-in?next=${encodeURIComponent(next)}`;
}

/** A fast hash suffices: the id is 32 random bytes. */
function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}
