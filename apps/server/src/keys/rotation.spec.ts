// The key-encryption key turns over: nothing sealed is forgotten, a crash at any point is mended by the next run, and the
// key may lie elsewhere than beside the database.
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { insertRows } from '#database';
import { openLog } from '#process';
import { rotateUnderLoad } from '../../../../test/kek-rotation.js';
import { CertificateAuthority } from '../certificates/certificate-authority.js';
import { type DataDir, prepareDataDir } from '../config/data-dir.js';
import { REWRAPPED_AT_ONCE_MAX } from '../limits.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { BrokerFixture } from '../testing/broker-fixture.js';
import { TestPeer } from '../testing/test-peer.js';
import { findKeyFile, type KeyFile, nextKeyFile, openNextKey, openVault, replaceKey } from './key-files.js';
import { askForRotation, findRotation, KeyRotations } from './key-rotations.js';
import type { KeyVault } from './key-vault.js';
import { type RotationParts, rotateKey } from './rotate-key.js';
import { SEALED_SECRETS, SECRET_KINDS, sealedPlace } from './sealed-secrets.js';

const { about } = SEALED_SECRETS['transaction-key'];
const PEER_ID = '01890000-0000-7000-8000-000000000001';
const ROWS = 5 * REWRAPPED_AT_ONCE_MAX - 7;
const log = openLog('test', 'silent');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'peerkeep-rotation-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A data directory with a CA and so many sealed keys, without a broker. */
class Place {
  private constructor(
    readonly dataDir: DataDir,
    readonly keyFile: KeyFile,
    readonly database: BrokerDatabase,
    private readonly secrets: ReadonlyMap<string, string>,
  ) {}

  static async make(rows: number): Promise<Place> {
    const dataDir = await prepareDataDir(join(folder, 'data'));
    const keyFile = { path: dataDir.keyEncryptionKey, isCredential: false };
    const vault = await openVault(dataDir, keyFile);
    await openAuthority(dataDir, vault);
    const database = await BrokerDatabase.open(dataDir.database);
    const secrets = new Map(
      Array.from({ length: rows }, () => [randomBytes(8).toString('hex'), randomBytes(32).toString('hex')]),
    );
    await database.write(async (db) => {
      await insertRows(db, { table: 'accounts', columns: ['id', 'name', 'created_at_ms'] }, [[PEER_ID, 'a', 0]]);
      const peer = { id: PEER_ID, account_id: PEER_ID, name: 'a', public_key: 'x' };
      const numbers = { certificate_expires_at_ms: 0, created_at_ms: 0 };
      const columns = { ...peer, ...numbers };
      await insertRows(db, { table: 'peers', columns: Object.keys(columns) }, [Object.values(columns)]);
      await insertRows(
        db,
        { table: 'transaction_keys', columns: ['peer_id', 'kid', 'state', 'sealed_key', 'created_at_ms'] },
        [...secrets].map(([kid, secret]) => [PEER_ID, kid, 'previous', sealed(vault, kid, secret), 0]),
      );
    });
    return new Place(dataDir, keyFile, database, secrets);
  }

  /** As a process that starts on it would. */
  async parts(): Promise<RotationParts> {
    const { dataDir, keyFile, database } = this;
    return { dataDir, keyFile, database, log, vault: await openVault(dataDir, keyFile) };
  }

  /** Every secret opens, by what lies on the disk alone. */
  async expectSound(): Promise<void> {
    const vault = await openVault(this.dataDir, this.keyFile);
    await openAuthority(this.dataDir, vault);
    const rows = await this.database.reads.query<{ kid: string; sealed_key: string }[]>(
      'SELECT kid, sealed_key FROM transaction_keys',
    );
    const opened = rows.map(({ kid, sealed_key: text }) => {
      const secret = vault.open('transaction-key', about({ peer_id: PEER_ID, kid }), text);
      return [kid, secret === null ? null : Buffer.from(secret).toString('hex')];
    });
    expect(new Map(opened as [string, string][])).toEqual(this.secrets);
  }

  async expectRotated(oldKey: Uint8Array): Promise<void> {
    await this.expectSound();
    const key = await readFile(this.keyFile.path);
    expect(key.equals(oldKey)).toBe(false);
    expect((await stat(this.keyFile.path)).mode & 0o777).toBe(0o600);
    expect(await readdir(this.dataDir.path)).not.toContain(basename(nextKeyFile(this.keyFile)));
  }
}

function sealed(vault: KeyVault, kid: string, secret: string): string {
  return vault.seal('transaction-key', about({ peer_id: PEER_ID, kid }), Buffer.from(secret, 'hex'));
}

function openAuthority(dataDir: DataDir, vault: KeyVault): Promise<CertificateAuthority> {
  const nowMs = 1_800_000_000_000;
  return CertificateAuthority.open(dataDir, vault, { trustDomain: null, defaultTrustDomain: 'test.example', nowMs });
}

describe('a rotation', () => {
  it('seals everything anew, destroys the old key, and is told as finished', async () => {
    const place = await Place.make(ROWS);
    const oldKey = await readFile(place.keyFile.path);
    const id = await askForRotation(place.database, 1);
    const parts = await place.parts();
    const rotations = new KeyRotations({ ...parts, nowMs: () => 2 });
    await rotations.run();
    expect(await findRotation(place.database, id)).toMatchObject({
      finished: true,
      rewrapped: ROWS + 1,
      keyId: parts.vault.currentKeyId,
    });
    await place.expectRotated(oldKey);
    // Asked for once, done once.
    const newKey = await readFile(place.keyFile.path);
    await rotations.run();
    expect((await readFile(place.keyFile.path)).equals(newKey)).toBe(true);
    await place.database.close();
  });

  it('goes on after a crash at any batch, and before and after the first and the last (crash points)', async () => {
    const place = await Place.make(ROWS);
    let crashes = 0;
    for (let crashAt = 1; ; crashAt++) {
      const oldKey = await readFile(place.keyFile.path);
      let batch = 0;
      const crash = rotateKey(await place.parts(), {
        onRewrapped: async () => {
          if (++batch === crashAt) throw new Error('crash');
        },
      });
      const outcome = await crash.catch((error: Error) => error.message);
      if (outcome !== 'crash') break;
      crashes++;
      await place.expectSound();
      // Taken up: no second successor, and what was done is not done again.
      const next = await readFile(nextKeyFile(place.keyFile));
      const rest = await rotateKey(await place.parts());
      expect(rest).toBe(
        ROWS + (crashAt === 1 ? 1 : 0) - (crashAt - 1) * REWRAPPED_AT_ONCE_MAX + (crashAt === 1 ? 0 : 1),
      );
      expect((await readFile(place.keyFile.path)).equals(next)).toBe(true);
      await place.expectRotated(oldKey);
    }
    expect(crashes).toBe(Math.ceil(ROWS / REWRAPPED_AT_ONCE_MAX));

    const oldKey = await readFile(place.keyFile.path);
    await openNextKey(place.keyFile);
    await place.expectSound();
    expect((await place.parts()).vault.isRotating).toBe(true);
    // A process that starts there finishes it, asked for or not.
    await new KeyRotations({ ...(await place.parts()), nowMs: () => 2 }).run();
    await place.expectRotated(oldKey);
    await place.database.close();
  });

  it('is not done twice when the crash came after the old key was destroyed', async () => {
    const place = await Place.make(3);
    const id = await askForRotation(place.database, 1);
    const parts = await place.parts();
    const columns = 'UPDATE key_rotations SET key_id = $1 WHERE id = $2';
    await rotateKey(parts);
    await place.database.write((db) => db.query(columns, [parts.vault.currentKeyId, id]));
    const key = await readFile(place.keyFile.path);
    await new KeyRotations({ ...(await place.parts()), nowMs: () => 2 }).run();
    expect(await findRotation(place.database, id)).toMatchObject({ finished: true });
    expect((await readFile(place.keyFile.path)).equals(key)).toBe(true);
    await place.database.close();
  });

  it('stops between batches when the broker stops, and keeps both keys until it is done', async () => {
    const place = await Place.make(ROWS);
    let batches = 0;
    const stopped = await rotateKey(await place.parts(), {
      onRewrapped: async () => {
        batches++;
      },
      isStopping: () => batches >= 2,
    });
    expect([stopped, batches]).toEqual([null, 2]);
    expect(await readdir(place.dataDir.path)).toContain(basename(nextKeyFile(place.keyFile)));
    await place.expectSound();
    await place.database.close();
  });

  it('takes what the first release sealed, which names no key', async () => {
    const place = await Place.make(5);
    await place.database.write((db) => db.query('UPDATE transaction_keys SET sealed_key = substr(sealed_key, 18)'));
    const ca = await readFile(place.dataDir.caKey, 'utf8');
    await writeFile(place.dataDir.caKey, ca.slice(17));
    await place.expectSound();
    const oldKey = await readFile(place.keyFile.path);
    expect(await rotateKey(await place.parts())).toBe(6);
    await place.expectRotated(oldKey);
    await place.database.close();
  });

  it('refuses to destroy the old key while a secret does not open', async () => {
    const place = await Place.make(5);
    await place.database.write((db) =>
      db.query("UPDATE transaction_keys SET kid = 'moved' WHERE kid = (SELECT MIN(kid) FROM transaction_keys)"),
    );
    const oldKey = await readFile(place.keyFile.path);
    await expect(rotateKey(await place.parts())).rejects.toMatchObject({ code: 'data_dir_corrupt' });
    expect((await readFile(place.keyFile.path)).equals(oldKey)).toBe(true);
    await place.database.close();
  });

  it('goes on while peers enrol, renew and ask: 2,000 rows, no request fails', async () => {
    const result = await rotateUnderLoad(2_000);
    expect(result).toMatchObject({ failures: [], unopened: 0, oldKeyIsGone: true });
    expect(result.rewrapped).toBeGreaterThanOrEqual(2_002);
    expect(result.requests).toBeGreaterThan(0);
  });
});

describe('the list of sealed secrets', () => {
  it('names every column and every file of a broker at work that holds a sealed text', async () => {
    const fixture = await BrokerFixture.start();
    await TestPeer.enrol(fixture);
    const database = await BrokerDatabase.open(join(fixture.dataDir, 'broker.db'));
    const keyId = (await readFile(join(fixture.dataDir, 'ca.key.sealed'), 'utf8')).slice(0, 17);
    const columns: string[] = [];
    for (const { name } of await database.reads.query<{ name: string }[]>(
      "SELECT name FROM sqlite_master WHERE type = 'table'",
    )) {
      for (const { name: column } of await database.reads.query<{ name: string }[]>(`PRAGMA table_info("${name}")`)) {
        const held = await database.reads.query(`SELECT 1 FROM "${name}" WHERE "${column}" LIKE '${keyId}%' LIMIT 1`);
        // A sealed column is named so, that this finds it while it is empty.
        if (held.length > 0 || column.startsWith('sealed_')) columns.push(`${name}.${column}`);
      }
    }
    const files: string[] = [];
    for (const name of await readdir(fixture.dataDir)) {
      if ((await stat(join(fixture.dataDir, name))).isDirectory()) continue;
      const content = await readFile(join(fixture.dataDir, name), 'latin1');
      if (content.startsWith(keyId) || name.endsWith('.sealed')) files.push(name);
    }
    await database.close();
    const places = SECRET_KINDS.map(sealedPlace);
    const listed = places.flatMap((place) => (place.kept === 'column' ? [`${place.table}.${place.column}`] : []));
    expect(columns.sort()).toEqual([...new Set(listed)].sort());
    const dataDir = await prepareDataDir(fixture.dataDir);
    const listedFiles = places.flatMap((place) => (place.kept === 'file' ? [basename(place.path(dataDir))] : []));
    expect(files.sort()).toEqual(listedFiles.sort());
    await fixture.remove();
  });
});

describe('the key file', () => {
  const environment = (variables: Record<string, string> = {}): NodeJS.ProcessEnv => variables;

  it('is the one of the flag, the environment, systemd, or beside the database, in this order', async () => {
    const dataDir = { keyEncryptionKey: join(folder, 'beside') };
    const credentials = join(folder, 'credentials');
    await mkdir(credentials);
    const variables = { PEERKEEP_KEY_ENCRYPTION_KEY_FILE: '/env', CREDENTIALS_DIRECTORY: credentials };
    expect(await findKeyFile(dataDir, { keyFile: '/flag' }, environment(variables))).toMatchObject({ path: '/flag' });
    expect(await findKeyFile(dataDir, {}, environment(variables))).toMatchObject({ path: '/env' });
    const systemd = environment({ CREDENTIALS_DIRECTORY: credentials });
    expect(await findKeyFile(dataDir, {}, systemd)).toEqual({ path: dataDir.keyEncryptionKey, isCredential: false });
    await writeFile(join(credentials, 'key-encryption-key'), randomBytes(32));
    expect(await findKeyFile(dataDir, {}, systemd)).toEqual({
      path: join(credentials, 'key-encryption-key'),
      isCredential: true,
    });
  });

  it('may lie elsewhere, and a broker without it does not start', async () => {
    const dataDir = await prepareDataDir(join(folder, 'data'));
    const elsewhere = { path: join(folder, 'kek'), isCredential: false };
    await openAuthority(dataDir, await openVault(dataDir, elsewhere));
    expect(await readdir(dataDir.path)).not.toContain('key-encryption.key');
    await openAuthority(dataDir, await openVault(dataDir, elsewhere));
    await rename(elsewhere.path, join(folder, 'away'));
    await expect(openVault(dataDir, elsewhere)).rejects.toMatchObject({ code: 'data_dir_corrupt' });
  });

  it('is refused when others can read it, and through a symlink; its successor too', async () => {
    const dataDir = await prepareDataDir(join(folder, 'data'));
    const path = join(folder, 'kek');
    const keyFile = { path, isCredential: false };
    await openVault(dataDir, keyFile);
    await writeFile(nextKeyFile(keyFile), randomBytes(32), { mode: 0o640 });
    await chmod(nextKeyFile(keyFile), 0o640);
    await expect(openVault(dataDir, keyFile)).rejects.toMatchObject({ code: 'secret_file_exposed' });
    await rm(nextKeyFile(keyFile));
    await chmod(path, 0o604);
    await expect(openVault(dataDir, keyFile)).rejects.toMatchObject({ code: 'secret_file_exposed' });
    await chmod(path, 0o600);
    await symlink(path, join(folder, 'link'));
    const link = { path: join(folder, 'link'), isCredential: false };
    await expect(openVault(dataDir, link)).rejects.toMatchObject({ code: 'secret_file_exposed' });
    await openVault(dataDir, keyFile);
  });

  it('is not half replaced: the successor takes its place in one step', async () => {
    const dataDir = await prepareDataDir(join(folder, 'data'));
    const keyFile = { path: join(folder, 'kek'), isCredential: false };
    await openVault(dataDir, keyFile);
    const next = await openNextKey(keyFile);
    expect(await openNextKey(keyFile)).toEqual(next);
    expect(await replaceKey(keyFile)).toBe(true);
    expect(new Uint8Array(await readFile(keyFile.path))).toEqual(new Uint8Array(next));
  });
});
