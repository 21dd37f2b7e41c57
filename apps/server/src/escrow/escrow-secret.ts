// The broker's escrow secret: 32 random bytes, made when the first account asks, sealed at rest; every account's second key
// is derived from it and kept nowhere.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changeOne } from '#database';
import { deriveEscrowKey, type EscrowName, KEY_BYTES, ProtocolError } from '#protocol';
import { KeyVault } from '../keys/key-vault.js';
import { SEALED_SECRETS } from '../keys/sealed-secrets.js';

const NAME = 'escrow';

@Injectable()
export class EscrowSecret {
  constructor(private readonly vault: KeyVault) {}

  /** The second key of an account, in a write unit. Nothing of it stays in memory. throws data_dir_corrupt */
  async keyOf(db: EntityManager, escrow: EscrowName): Promise<Uint8Array> {
    const secret = (await this.find(db)) ?? (await this.make(db));
    const key = deriveEscrowKey(secret, escrow);
    secret.fill(0);
    return key;
  }

  private async find(db: EntityManager): Promise<Uint8Array | null> {
    const [row] = await db.query<{ sealed_secret: string }[]>(
      'SELECT sealed_secret FROM escrow_secrets WHERE name = $1',
      [NAME],
    );
    if (row === undefined) return null;
    const secret = this.vault.open('escrow-secret', about({ name: NAME }), row.sealed_secret);
    if (secret === null) throw new ProtocolError('data_dir_corrupt', {}, { detail: 'the escrow secret does not open' });
    return secret;
  }

  private async make(db: EntityManager): Promise<Uint8Array> {
    const secret = randomBytes(KEY_BYTES);
    const sealed = this.vault.seal('escrow-secret', about({ name: NAME }), secret);
    await changeOne(db, 'INSERT INTO escrow_secrets (name, sealed_secret) VALUES ($1, $2)', [NAME, sealed]);
    return secret;
  }
}

const { about } = SEALED_SECRETS['escrow-secret'];
