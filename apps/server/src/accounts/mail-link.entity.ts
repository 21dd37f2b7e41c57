// A link that was mailed to somebody. Only the hash of its token is kept; it works once, and not for long.

import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { AccountId } from '#protocol';
import { wholeNumber } from '../platform/columns.js';
import type { Email } from './email.js';

/** `notice`: no link at all. Written where an address is (not) known, so that both cases cost the same commit. */
export type MailLinkKind = 'register' | 'reset' | 'notice';

@Entity('mail_links')
export class MailLinkEntity {
  @PrimaryColumn({ name: 'token_hash', type: 'text' })
  tokenHash!: string;

  @Column({ type: 'text' })
  kind!: MailLinkKind;

  @Column({ type: 'text' })
  email!: Email;

  /** Whose password is reset. */
  @Column({ name: 'account_id', type: 'text', nullable: true })
  accountId!: AccountId | null;

  /** What the account that this link opens will be. */
  @Column({ type: 'text', nullable: true })
  name!: string | null;

  @Column({ name: 'password_hash', type: 'text', nullable: true })
  passwordHash!: string | null;

  @Column({ name: 'attempts_left', type: 'integer' })
  attemptsLeft!: number;

  @Column(wholeNumber('expires_at_ms'))
  expiresAtMs!: number;
}
