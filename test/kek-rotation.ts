// A key-encryption key that turns over under a broker at work: many sealed rows, and peers that go on meanwhile.
import { randomBytes } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { insertRows } from '#database';
import { KEY_BYTES, unwrapTransactionKey } from '#protocol';
import { dataDirAt } from '../apps/server/src/config/data-dir.js';
import { openVault } from '../apps/server/src/keys/key-files.js';
import { findRotation } from '../apps/server/src/keys/key-rotations.js';
import type { KeyVault } from '../apps/server/src/keys/key-vault.js';
import { SEALED_SECRETS } from '../apps/server/src/keys/sealed-secrets.js';
import { BrokerDatabase } from '../apps/server/src/platform/broker-database.js';
import { BrokerFixture } from '../apps/server/src/testing/broker-fixture.js';
import { TestPeer } from '../apps/server/src/testing/test-peer.js';

const { about } = SEALED_SECRETS['transaction-key'];
const ROWS_AT_ONCE = 2_000;

export interface RotationResult {
  readonly rewrapped: number;
  readonly rowsPerSecond: number;
  /** Of this process: the broker, and the peers that load it. */
  readonly processorSeconds: number;
  readonly requests: number;
  readonly failures: readonly string[];
  /** Sealed rows that do not open under the new key alone. */
  readonly unopened: number;
  readonly oldKeyIsGone: boolean;
}

/** Rotate the key of a broker with so many sealed transaction keys while peers enrol, renew and ask. */
export async function rotateUnderLoad(rows: number): Promise<RotationResult> {
  const fixture = await BrokerFixture.start({ enrolmentsPerMinute: 1_000_000 });
  const dataDir = dataDirAt(fixture.dataDir);
  const keyFile = { path: dataDir.keyEncryptionKey, isCredential: false };
  const database = await BrokerDatabase.open(dataDir.database);
  try {
    const peer = await TestPeer.enrol(fixture);
    await insertSealedKeys(database, await openVault(dataDir, keyFile), peer, rows);
    const oldKey = await readFile(keyFile.path);

    const id = await fixture.broker.askForKeyRotation();
    const load = new Load(fixture, peer);
    const began = performance.now();
    const usedBefore = process.cpuUsage();
    const loading = load.run();
    await fixture.broker.noticeChangesNow();
    const seconds = (performance.now() - began) / 1_000;
    const used = process.cpuUsage(usedBefore);
    await load.end(loading);

    const rotation = await findRotation(database, id);
    const rewrapped = rotation?.finished === true ? rotation.rewrapped : 0;
    return {
      rewrapped,
      rowsPerSecond: Math.round(rewrapped / seconds),
      processorSeconds: Math.round((used.user + used.system) / 1e5) / 10,
      requests: load.requests,
      failures: load.failures,
      unopened: await countUnopened(database, await openVault(dataDir, keyFile)),
      oldKeyIsGone: !oldKey.equals(await readFile(keyFile.path)) && !(await exists(`${keyFile.path}.next`)),
    };
  } finally {
    await database.close();
    await fixture.remove();
  }
}

/** Keys of one peer that were replaced long ago. */
async function insertSealedKeys(
  database: BrokerDatabase,
  vault: KeyVault,
  peer: TestPeer,
  rows: number,
): Promise<void> {
  const columns = ['peer_id', 'kid', 'state', 'sealed_key', 'created_at_ms', 'accepted_until_ms'];
  for (let first = 0; first < rows; first += ROWS_AT_ONCE) {
    const part = Array.from({ length: Math.min(ROWS_AT_ONCE, rows - first) }, () => {
      const kid = randomBytes(8).toString('hex');
      const sealed = vault.seal('transaction-key', about({ peer_id: peer.peerId, kid }), randomBytes(KEY_BYTES));
      return [peer.peerId, kid, 'previous', sealed, 0, 1];
    });
    await database.write((db) => insertRows(db, { table: 'transaction_keys', columns }, part));
  }
}

async function countUnopened(database: BrokerDatabase, vault: KeyVault): Promise<number> {
  const rows = await database.reads.query<{ peer_id: string; kid: string; sealed_key: string }[]>(
    'SELECT peer_id, kid, sealed_key FROM transaction_keys',
  );
  return rows.filter((row) => vault.open('transaction-key', about({ ...row }), row.sealed_key) === null).length;
}

/** Peers that enrol, ask for their next key, use it, and ask for their status: until they are told to end. */
class Load {
  requests = 0;
  readonly failures: string[] = [];
  private ended = false;

  constructor(
    private readonly fixture: BrokerFixture,
    private readonly peer: TestPeer,
  ) {}

  async run(): Promise<void> {
    while (!this.ended) {
      const fresh = await TestPeer.enrol(this.fixture);
      this.requests++;
      const asked = await fresh.post<{ wrappedKey: string }>('/v1/transaction-keys', {});
      this.count(asked.code);
      if (asked.code === undefined) fresh.key = unwrapTransactionKey(asked.body.wrappedKey, fresh.key, fresh.peerId);
      for (const one of [fresh, this.peer]) this.count((await one.get('/v1/peers/me')).code);
    }
  }

  async end(running: Promise<void>): Promise<void> {
    this.ended = true;
    await running;
  }

  private count(code: string | undefined): void {
    this.requests++;
    if (code !== undefined) this.failures.push(code);
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
