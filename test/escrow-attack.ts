// A broker's operator turned thief: takes every secret that the broker holds or can derive, every row and every shard of every
// host, and tries each secret as the key of an account's backups.
import { createPrivateKey, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deriveDataKeys } from '#backup';
import { changeOne } from '#database';
import { joinObject } from '#erasure';
import {
  type AccountId,
  type ContentId,
  childKey,
  decodeBase64url,
  deriveEscrowKey,
  ESCROW_SEALED_BYTES,
  encodeBase64url,
  nodeSuite,
  type ObjectId,
  openMasterKey,
  type PeerId,
  ProtocolError,
  sealMasterKey,
} from '#protocol';
import { shardPath } from '../apps/peer-agent/src/shards/shard-path.js';
import { dataDirAt } from '../apps/server/src/config/data-dir.js';
import { openVault } from '../apps/server/src/keys/key-files.js';
import { SEALED_SECRETS, type SecretKind } from '../apps/server/src/keys/sealed-secrets.js';
import { BrokerDatabase } from '../apps/server/src/platform/broker-database.js';
import { objectKeyOf, openObject } from '../libs/backup/src/objects/open-object.js';
import type { World } from './world.js';

export interface Attack {
  readonly objects: number;
  readonly secrets: number;
  /** Objects that at least one secret opened. */
  readonly opened: number;
}

/** Put something else in the place of what an account left in escrow: another key under the right name, or noise. */
export async function replaceEscrow(world: World, accountId: AccountId, by: 'another key' | 'noise'): Promise<void> {
  const { vault } = await openDataDir(world);
  const [secretRow] = await world.brokerRows<{ name: string; sealed_secret: string }>('SELECT * FROM escrow_secrets');
  const about = SEALED_SECRETS['escrow-secret'].about(secretRow!);
  const secret = vault.open('escrow-secret', about, secretRow!.sealed_secret)!;
  const [row] = await world.brokerRows<{ escrow_id: string }>('SELECT escrow_id FROM escrows WHERE account_id = $1', [
    accountId,
  ]);
  const name = { accountId, escrowId: row!.escrow_id };
  const sealed =
    by === 'noise'
      ? encodeBase64url(randomBytes(ESCROW_SEALED_BYTES))
      : sealMasterKey(randomBytes(32), { ...name, key: deriveEscrowKey(secret, name) }, randomBytes(12));
  const database = await BrokerDatabase.open(join(world.dataDir, 'broker.db'));
  await database
    .write((db) => changeOne(db, 'UPDATE escrows SET escrowed_key = $1 WHERE account_id = $2', [sealed, accountId]))
    .finally(() => database.close());
}

const LABELS = ['token', 'control/to-broker', 'control/to-peer', 'wrap', 'recovery', 'data/objects'];

export async function attackAccount(world: World, accountId: AccountId): Promise<Attack> {
  const secrets = await secretsOf(world, accountId);
  const objects = await objectsOf(world, accountId);
  const opened = objects.filter(({ objectId, bytes }) =>
    secrets.some((secret) =>
      [secret, deriveDataKeys(secret).objectsKey].some((objectsKey) => opens(objectsKey, objectId, bytes)),
    ),
  );
  return { objects: objects.length, secrets: secrets.length, opened: opened.length };
}

/** Every 32 bytes that the data directory, its key and its rows yield. */
async function secretsOf(world: World, accountId: AccountId): Promise<Uint8Array[]> {
  const { dataDir, vault } = await openDataDir(world);
  const keyEncryptionKey = await readFile(dataDir.keyEncryptionKey);
  const roots: Uint8Array[] = [keyEncryptionKey];
  for (const kind of Object.keys(SEALED_SECRETS) as SecretKind[]) {
    roots.push(childKey(nodeSuite, keyEncryptionKey, `peerkeep/1/at-rest/${kind}`));
  }
  const caKey = vault.open('ca-key', SEALED_SECRETS['ca-key'].about, (await readFile(dataDir.caKey, 'utf8')).trim())!;
  roots.push(caScalar(caKey));

  const { about } = SEALED_SECRETS['transaction-key'];
  const keys = await world.brokerRows<{ peer_id: string; kid: string; sealed_key: string }>(
    'SELECT peer_id, kid, sealed_key FROM transaction_keys',
  );
  for (const row of keys) roots.push(vault.open('transaction-key', about(row), row.sealed_key)!);

  const accounts = await world.brokerRows<{ id: AccountId; recovery_key: string | null }>(
    'SELECT id, recovery_key FROM accounts',
  );
  for (const { recovery_key } of accounts) if (recovery_key !== null) roots.push(decodeBase64url(recovery_key)!);

  const escrowSecrets = await world.brokerRows<{ name: string; sealed_secret: string }>('SELECT * FROM escrow_secrets');
  const escrows = await world.brokerRows<{ account_id: AccountId; escrow_id: string; escrowed_key: string | null }>(
    'SELECT account_id, escrow_id, escrowed_key FROM escrows',
  );
  const derived: Uint8Array[] = [];
  for (const row of escrowSecrets) {
    const secret = vault.open('escrow-secret', SEALED_SECRETS['escrow-secret'].about(row), row.sealed_secret)!;
    roots.push(secret);
    for (const { account_id, escrow_id, escrowed_key } of escrows) {
      for (const owner of new Set([account_id, accountId])) {
        const name = { accountId: owner, escrowId: escrow_id };
        const key = deriveEscrowKey(secret, name);
        derived.push(key);
        // What is in escrow, by the very road that a recovery goes.
        if (owner === account_id && account_id === accountId && escrowed_key !== null) {
          derived.push(openMasterKey(escrowed_key, { ...name, key }));
        }
      }
    }
  }
  const children = roots.flatMap((root) => LABELS.map((label) => childKey(nodeSuite, root, `peerkeep/1/${label}`)));
  return [...roots, ...children, ...derived];
}

async function openDataDir(world: World) {
  const dataDir = dataDirAt(world.dataDir);
  return { dataDir, vault: await openVault(dataDir, { path: dataDir.keyEncryptionKey, isCredential: false }) };
}

function caScalar(pem: Uint8Array): Uint8Array {
  const text = Buffer.from(pem).toString('utf8');
  const key = text.startsWith('-----')
    ? createPrivateKey(text)
    : createPrivateKey({ key: Buffer.from(pem), format: 'der', type: 'pkcs8' });
  return decodeBase64url(key.export({ format: 'jwk' }).d as string)!;
}

/** The sealed objects of an account, put together from what lies on the hosts' disks. */
async function objectsOf(world: World, accountId: AccountId): Promise<{ objectId: ObjectId; bytes: Buffer }[]> {
  const objects = await world.brokerRows<{ id: ObjectId; size_bytes: number; data_shards: number }>(
    'SELECT id, size_bytes, data_shards FROM objects WHERE account_id = $1',
    [accountId],
  );
  return Promise.all(
    objects.map(async ({ id, size_bytes, data_shards }) => {
      const shards = await world.brokerRows<{ cid: ContentId; host_id: PeerId; size_bytes: number }>(
        `SELECT cid, host_id, size_bytes FROM shards WHERE object_id = $1 AND state = 'stored' ORDER BY shard_index LIMIT ${Number(data_shards)}`,
        [id],
      );
      const data = await Promise.all(
        shards.map(async ({ cid, host_id, size_bytes }) => {
          const file = await readFile(shardPath(world.hostOf(host_id).shardFolder, cid).file);
          // The hashes of its blocks lie behind the shard.
          return file.subarray(0, Number(size_bytes));
        }),
      );
      return { objectId: id, bytes: Buffer.from(joinObject(data, Number(size_bytes))) };
    }),
  );
}

function opens(objectsKey: Uint8Array, objectId: ObjectId, bytes: Buffer): boolean {
  try {
    return openObject(objectKeyOf({ objectsKey }, objectId, bytes), bytes).entries.length > 0;
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'object_damaged') return false;
    throw error;
  }
}
