// A new account with its opening credit, in the unit that lets somebody in.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { type AccountId, uuidV7 } from '#protocol';
import { Ledger } from '../ledger/ledger.js';
import { Settings } from '../platform/settings.js';
import { AccountEntity } from './account.entity.js';
import type { Email } from './email.js';

export interface NewAccount {
  readonly name: string;
  readonly email: Email;
  /** PHC string. */
  readonly passwordHash: string;
}

@Injectable()
export class OpenAccount {
  constructor(
    private readonly ledger: Ledger,
    private readonly settings: Settings,
  ) {}

  /** The id of the account; null when the address has one already. */
  async run(db: EntityManager, account: NewAccount, nowMs: number): Promise<AccountId | null> {
    if (await db.existsBy(AccountEntity, { email: account.email })) return null;
    const id = uuidV7<AccountId>(nowMs, randomBytes(10));
    await db.insert(AccountEntity, { id, ...account, recoveryKey: null, createdAtMs: nowMs });
    await this.ledger.openAccount(db, id, { amount: BigInt(this.settings.policy.openingCreditBytes), atMs: nowMs });
    return id;
  }
}
