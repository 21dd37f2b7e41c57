// Links that are mailed: made in a unit, found by their token, used once.
import { createHash, randomBytes } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { changeMany, changeOne } from '#database';
import { type AccountId, base64urlLength, encodeBase64url, KEY_BYTES, ProtocolError } from '#protocol';
import { LINK_ATTEMPTS_MAX, MAIL_LINKS_MAX } from '../limits.js';
import type { Email } from './email.js';
import { MailLinkEntity, type MailLinkKind } from './mail-link.entity.js';

export interface NewMailLink {
  readonly kind: MailLinkKind;
  readonly email: Email;
  readonly lifeMs: number;
  readonly accountId?: AccountId;
  readonly name?: string;
  readonly passwordHash?: string;
}

/** Make a link; returns the token that goes into the mail. throws overloaded when too many are open */
export async function createMailLink(db: EntityManager, link: NewMailLink, nowMs: number): Promise<string> {
  await changeMany(db, 'DELETE FROM mail_links WHERE expires_at_ms <= $1', [nowMs]);
  if ((await db.count(MailLinkEntity)) >= MAIL_LINKS_MAX) throw new ProtocolError('overloaded');
  const token = encodeBase64url(randomBytes(KEY_BYTES));
  const { kind, email, lifeMs, accountId = null, name = null, passwordHash = null } = link;
  await db.insert(MailLinkEntity, {
    tokenHash: hashOf(token),
    kind,
    email,
    accountId,
    name,
    passwordHash,
    attemptsLeft: LINK_ATTEMPTS_MAX,
    expiresAtMs: nowMs + lifeMs,
  });
  return token;
}

/**
 * A commit of the same size where no link is made, so that the time of an answer does not tell whether an address has
 * an account. Gone with the next link.
 */
export async function createNotice(db: EntityManager, email: Email, nowMs: number): Promise<void> {
  await createMailLink(db, { kind: 'notice', email, lifeMs: 0 }, nowMs);
}

/** throws link_invalid: unknown, used and expired look the same */
export async function findMailLink(
  db: EntityManager,
  kind: 'register' | 'reset',
  token: string,
  nowMs: number,
): Promise<MailLinkEntity> {
  if (base64urlLength(token) !== KEY_BYTES) throw new ProtocolError('link_invalid');
  const link = await db.findOneBy(MailLinkEntity, { tokenHash: hashOf(token), kind });
  if (link === null || link.expiresAtMs <= nowMs || link.attemptsLeft < 1) throw new ProtocolError('link_invalid');
  return link;
}

/** Use a link up, in the unit that does what it is for. throws link_invalid when somebody was faster */
export async function useMailLink(db: EntityManager, { tokenHash }: MailLinkEntity): Promise<void> {
  if (!(await changeOne(db, 'DELETE FROM mail_links WHERE token_hash = $1', [tokenHash]))) {
    throw new ProtocolError('link_invalid');
  }
}

/** Take one of the attempts that a link has for its password. throws link_invalid when none is left */
export async function takeLinkAttempt(db: EntityManager, { tokenHash }: MailLinkEntity): Promise<void> {
  const taken = await changeOne(
    db,
    'UPDATE mail_links SET attempts_left = attempts_left - 1 WHERE token_hash = $1 AND attempts_left >= 1',
    [tokenHash],
  );
  if (!taken) throw new ProtocolError('link_invalid');
}

/** Every other link of an address is void once one has done its work. */
export async function dropMailLinks(db: EntityManager, email: Email): Promise<void> {
  await changeMany(db, 'DELETE FROM mail_links WHERE email = $1', [email]);
}

/** A fast hash suffices: the token is 32 random bytes. */
function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
