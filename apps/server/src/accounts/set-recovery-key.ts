// An account registers the public key by which a later machine proves that it holds the recovery phrase (B7).
import { Injectable } from '@nestjs/common';
import { changeOne } from '#database';
import { ProtocolError, type SetRecoveryKeyRequest } from '#protocol';
import type { Caller } from '../control/caller.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { AccountEntity } from './account.entity.js';

@Injectable()
export class SetRecoveryKey {
  constructor(private readonly database: BrokerDatabase) {}

  /** The same key again is the same request again. throws recovery_key_exists for any other second key */
  async run({ peer }: Caller, { publicKey }: SetRecoveryKeyRequest): Promise<Record<string, never>> {
    await this.database.write(async (db) => {
      const holder = await db.findOneBy(AccountEntity, { recoveryKey: publicKey });
      if (holder?.id === peer.accountId) return;
      // Another account with this key would make the phrase ambiguous.
      if (holder !== null) throw new ProtocolError('recovery_key_exists');
      const set = await changeOne(db, 'UPDATE accounts SET recovery_key = $1 WHERE id = $2 AND recovery_key IS NULL', [
        publicKey,
        peer.accountId,
      ]);
      if (!set) throw new ProtocolError('recovery_key_exists');
    });
    return {};
  }
}
