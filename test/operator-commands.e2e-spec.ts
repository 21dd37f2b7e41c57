// `peerkeep-server peer` and `rotate-kek`, built, as processes of their own, beside a broker that runs and without one.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerFixture } from '../apps/server/src/testing/broker-fixture.js';
import { TestPeer } from '../apps/server/src/testing/test-peer.js';
import { type Ended, runCommand } from './run-command.js';

let fixture: BrokerFixture;

beforeAll(async () => {
  fixture = await BrokerFixture.start();
});
afterAll(() => fixture.remove());

const operate = (...args: string[]): Promise<Ended> =>
  runCommand('peerkeep-server', [...args, '--data-dir', fixture.dataDir]);

describe("the operator's commands", { timeout: 120_000 }, () => {
  it('suspend, resume and revoke a peer of the running broker, and list what has become of it', async () => {
    const peer = await TestPeer.enrol(fixture);
    const suspended = await operate('peer', 'suspend', peer.peerId, '--reason', 'looked at', '--json');
    expect(suspended).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(suspended.stdout)).toMatchObject({ state: 'suspended', stateChange: { reason: 'looked at' } });
    await fixture.broker.noticeChangesNow();
    expect((await peer.get('/v1/peers/me')).code).toBe('peer_suspended');
    expect(await operate('peer', 'resume', peer.peerId)).toMatchObject({ code: 0 });
    await fixture.broker.noticeChangesNow();
    expect((await peer.get('/v1/peers/me')).status).toBe(200);
    expect(await operate('peer', 'revoke', peer.peerId)).toMatchObject({ code: 0 });
    await fixture.broker.noticeChangesNow();
    expect((await peer.get('/v1/peers/me')).code).toBe('peer_revoked');
    expect((await operate('peer', 'ls', '--account', peer.enrolled.accountId)).stdout).toMatch(
      new RegExp(`^${peer.peerId}  revoked .*\n$`),
    );
    const refused = await operate('peer', 'resume', peer.peerId);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain('this peer has been revoked');
    expect(await operate('peer', 'revoke', 'nobody')).toMatchObject({ code: 1, stdout: '' });
    expect(await operate('peer', 'revoke')).toMatchObject({ code: 2, stdout: '' });
  });

  it('rotate the key-encryption key through the running broker, and without one', async () => {
    const peer = await TestPeer.enrol(fixture);
    const keyFile = join(fixture.dataDir, 'key-encryption.key');
    const first = await readFile(keyFile);
    const asked = operate('rotate-kek');
    let ended = false;
    const end = (): void => {
      ended = true;
    };
    // Either way: a command that could not be run must not be waited for.
    asked.then(end, end);
    // The periodic job of the broker, whose clock stands still.
    while (!ended) await fixture.broker.noticeChangesNow();
    expect(await asked).toMatchObject({ code: 0 });
    const second = await readFile(keyFile);
    expect(second.equals(first)).toBe(false);
    expect((await peer.get('/v1/peers/me')).status).toBe(200);

    await fixture.stop();
    const alone = await operate('rotate-kek');
    expect(alone).toMatchObject({ code: 0 });
    expect(JSON.parse(alone.stdout)).toMatchObject({ rewrapped: expect.any(Number) });
    expect((await readFile(keyFile)).equals(second)).toBe(false);
    fixture.clock.advance(1_000);
    await fixture.startAgain();
    expect((await peer.get('/v1/peers/me')).status).toBe(200);
  });
});
