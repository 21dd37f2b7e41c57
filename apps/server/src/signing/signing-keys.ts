// The keys with which the broker signs statements (SPEC §13.1): made when there is none, sealed at rest, in memory while it
// runs, another one by age.
import { strict as assert } from 'node:assert';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changeMany, insertRows } from '#database';
import { Clock, Log } from '#process';
import {
  encodeBase64url,
  es256Signer,
  ProtocolError,
  type SigningKey,
  STATEMENT_KINDS,
  type StatementKind,
  type StatementSigner,
  signingKid,
} from '#protocol';
import { KeyVault } from '../keys/key-vault.js';
import { SEALED_SECRETS } from '../keys/sealed-secrets.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { type AgedKey, decideSigningKeys, type SigningDecision } from './decide-signing-keys.js';

type OwnKey = AgedKey & SigningKey & StatementSigner;

@Injectable()
export class SigningKeys implements OnModuleInit {
  private keys: readonly OwnKey[] = [];

  constructor(
    private readonly database: BrokerDatabase,
    private readonly vault: KeyVault,
    private readonly clock: Clock,
    private readonly settings: Settings,
    private readonly log: Log,
  ) {}

  async onModuleInit(): Promise<void> {
    this.keys = await this.read(this.database.reads);
    await this.tend();
  }

  /** What signs statements of this kind at the moment; for encodeLease, encodeApproval and their kin. */
  signerOf(kind: StatementKind): StatementSigner {
    const { signing } = this.decide(kind);
    assert(signing !== null, 'keys are made at the start');
    return signing;
  }

  /** The public keys that others need, the newest of each use first. */
  told(): SigningKey[] {
    return STATEMENT_KINDS.flatMap((kind) =>
      this.decide(kind).told.map(({ kid, use, publicKey }) => ({ kid, use, publicKey })),
    );
  }

  /** Make what is due and forget what is over; nothing to do costs no question to the database. throws data_dir_corrupt */
  async tend(): Promise<void> {
    const isDue = STATEMENT_KINDS.some((kind) => {
      const { isNextDue, over } = this.decide(kind);
      return isNextDue || over.length > 0;
    });
    if (!isDue) return;
    this.keys = await this.database.write(async (db) => {
      // As the rows say: another process may have made the next one.
      const stored = await this.read(db);
      for (const kind of STATEMENT_KINDS) {
        const { isNextDue, over } = this.decide(kind, stored);
        if (isNextDue) await this.make(db, kind);
        for (const { kid } of over) await changeMany(db, 'DELETE FROM broker_signing_keys WHERE kid = $1', [kid]);
      }
      return this.read(db);
    });
  }

  private decide(use: StatementKind, keys = this.keys): SigningDecision<OwnKey> {
    const { keyLifeMs } = this.settings.policy.signing;
    const ofUse = keys.filter((key) => key.use === use);
    return decideSigningKeys(ofUse, { use, keyLifeMs, nowMs: this.clock.nowMs() });
  }

  private async make(db: EntityManager, use: StatementKind): Promise<void> {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const spki = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }));
    const kid = signingKid(spki);
    const pkcs8 = new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' }));
    const sealed = this.vault.seal('signing-key', about({ kid }), pkcs8);
    pkcs8.fill(0);
    await insertRows(db, KEYS, [[kid, use, encodeBase64url(spki), sealed, this.clock.nowMs()]]);
    this.log.info({ event: 'signing_key_made', kid, use });
  }

  private async read(db: EntityManager): Promise<OwnKey[]> {
    const rows = await db.query<KeyRow[]>(`SELECT ${KEYS.columns.join(', ')} FROM broker_signing_keys`);
    return rows.map((row) => {
      const pkcs8 = this.vault.open('signing-key', about({ kid: row.kid }), row.sealed_private_key);
      if (pkcs8 === null) throw new ProtocolError('data_dir_corrupt', {}, { detail: 'a signing key does not open' });
      const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
      pkcs8.fill(0);
      return {
        kid: row.kid,
        use: row.key_use,
        publicKey: row.public_key,
        createdAtMs: Number(row.created_at_ms),
        sign: es256Signer(key),
      };
    });
  }
}

const { about } = SEALED_SECRETS['signing-key'];

const KEYS = {
  table: 'broker_signing_keys',
  columns: ['kid', 'key_use', 'public_key', 'sealed_private_key', 'created_at_ms'],
};

interface KeyRow {
  kid: string;
  key_use: StatementKind;
  public_key: string;
  sealed_private_key: string;
  created_at_ms: number | string;
}
