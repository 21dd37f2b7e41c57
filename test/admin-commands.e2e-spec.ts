// `peerkeep-server admin-key` and `admin-log`, built, as processes of their own beside a broker that runs.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeMany } from '#database';
import { BrokerDatabase } from '../apps/server/src/platform/broker-database.js';
import { AdminClient } from '../apps/server/src/testing/admin-client.js';
import { BrokerFixture } from '../apps/server/src/testing/broker-fixture.js';
import { type Ended, runCommand } from './run-command.js';

let fixture: BrokerFixture;

beforeAll(async () => {
  fixture = await BrokerFixture.start();
});
afterAll(() => fixture.remove());

const operate = (...args: string[]): Promise<Ended> =>
  runCommand('peerkeep-server', [...args, '--data-dir', fixture.dataDir]);
const statusWith = async (key: string): Promise<number> =>
  (await new AdminClient(fixture, { authorization: `Bearer ${key.trim()}` }).get('/v1/admin')).status;

describe('the commands of the admin interface', { timeout: 120_000 }, () => {
  it('make a key that works at once, list it without telling it, and make it worthless at once', async () => {
    const created = await operate('admin-key', 'create', '--role', 'support', '--name', 'night shift', '--json');
    expect(created).toMatchObject({ code: 0, stderr: '' });
    const { key, keyId } = JSON.parse(created.stdout) as { key: string; keyId: string };
    expect(await statusWith(key)).toBe(200);
    const listed = await operate('admin-key', 'list');
    expect(listed.stdout).toMatch(new RegExp(`^${keyId}  support   expires \\S+  night shift$`, 'm'));
    expect(listed.stdout).not.toContain(key);
    expect(await operate('admin-key', 'revoke', keyId, '--reason', 'lost')).toMatchObject({ code: 0 });
    expect(await statusWith(key)).toBe(401);
    expect(await operate('admin-key', 'revoke', 'nobody')).toMatchObject({ code: 1, stdout: '' });
    expect(await operate('admin-key', 'create', '--role', 'god')).toMatchObject({ code: 2, stdout: '' });
  });

  it('verify the log, and find what was changed in it', async () => {
    const verified = await operate('admin-log', 'verify');
    expect(verified.code).toBe(0);
    const { entries, head } = JSON.parse(verified.stdout) as { entries: number; head: string };
    // The policy, the key, its revocation.
    expect(entries).toBe(3);
    expect(await operate('admin-log', 'verify', '--head', head)).toMatchObject({ code: 0 });
    expect(await operate('admin-log', 'verify', '--head', 'x')).toMatchObject({ code: 1, stdout: '' });
    const database = await BrokerDatabase.open(join(fixture.dataDir, 'broker.db'));
    await database.write((db) => changeMany(db, "UPDATE admin_log SET reason = 'found' WHERE reason = $1", ['lost']));
    await database.close();
    const broken = await operate('admin-log', 'verify');
    expect(broken).toMatchObject({ code: 1, stdout: '' });
    expect(broken.stderr).toContain('is not what was written');
  });
});
