// A home is written whole, read strictly, and shared by the processes of one machine.
import { chmod, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AccountId, type PeerId, TransactionKey, uuidV7 } from '#protocol';
import { TestAuthority } from '../../../test/authority.js';
import type { EnrolledPeer } from './enrol-peer.js';
import { PeerHome } from './peer-home.js';

const NOW_MS = Date.UTC(2026, 10, 20);
const key = (fill: number): TransactionKey => new TransactionKey(new Uint8Array(32).fill(fill));

let folder: string;
let path: string;
let enrolled: EnrolledPeer;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'peer-home-'));
  path = join(folder, 'home');
  const authority = await TestAuthority.create();
  const peerId = uuidV7<PeerId>(NOW_MS, new Uint8Array(10).fill(1));
  enrolled = {
    peerId,
    accountId: uuidV7<AccountId>(NOW_MS, new Uint8Array(10).fill(2)),
    name: 'laptop',
    trustDomain: authority.trustDomain,
    broker: { host: '127.0.0.1', port: 8443 },
    ...(await authority.issue(peerId)),
    caPem: authority.caPem,
    transactionKey: key(1),
    brokerTimeMs: NOW_MS,
  };
});

afterEach(() => rm(folder, { recursive: true }));

describe('a peer home', () => {
  it('holds what enrolment gave, in files that only the owner can read', async () => {
    await PeerHome.create(path, enrolled);
    const home = await PeerHome.open(path);
    expect(home.identity).toEqual({
      peerId: enrolled.peerId,
      accountId: enrolled.accountId,
      name: 'laptop',
      trustDomain: 'backup.example',
      broker: { host: '127.0.0.1', port: 8443 },
    });
    expect(home.privateKeyPem).toBe(enrolled.privateKeyPem);
    expect(home.caPem).toBe(enrolled.caPem);
    expect(home.certificate().pem).toBe(enrolled.certificatePem);
    expect(home.transactionKeys().current.kid).toBe(key(1).kid);
    expect(home.transactionKeys().previous).toBeNull();
    for (const file of ['peer.json', 'identity.key', 'transaction-keys.json']) {
      expect((await stat(join(path, file))).mode & 0o777).toBe(0o600);
    }
    expect((await stat(path)).mode & 0o777).toBe(0o700);
  });

  it('is not there before enrolment, and is never made over another', async () => {
    await expect(PeerHome.open(path)).rejects.toMatchObject({ code: 'home_missing' });
    await PeerHome.create(path, enrolled);
    await expect(PeerHome.create(path, enrolled)).rejects.toMatchObject({ code: 'home_exists' });
  });

  it.each(['peer.json', 'identity.key', 'transaction-keys.json'])(
    'refuses to use %s when others can read it',
    async (file) => {
      await PeerHome.create(path, enrolled);
      await chmod(join(path, file), 0o640);
      await expect(PeerHome.open(path)).rejects.toMatchObject({ code: 'secret_file_exposed' });
    },
  );

  it('does not follow a symlink to a secret', async () => {
    await PeerHome.create(path, enrolled);
    await rename(join(path, 'identity.key'), join(folder, 'elsewhere'));
    await symlink(join(folder, 'elsewhere'), join(path, 'identity.key'));
    await expect(PeerHome.open(path)).rejects.toMatchObject({ code: 'secret_file_exposed' });
  });

  it.each([
    ['peer.json', '{"peerId":"x"}'],
    ['peer.json', 'not json'],
    ['transaction-keys.json', '{"current":"AAAA"}'],
    ['certificate.pem', 'no certificate'],
  ])('says that it is damaged when %s is %j', async (file, content) => {
    await PeerHome.create(path, enrolled);
    await writeFile(join(path, file), content);
    await expect(PeerHome.open(path)).rejects.toMatchObject({ code: 'home_corrupt' });
  });

  it('says that it is damaged when a file is missing', async () => {
    await PeerHome.create(path, enrolled);
    await rm(join(path, 'identity.key'));
    await expect(PeerHome.open(path)).rejects.toMatchObject({ code: 'home_corrupt' });
  });
});

describe('a home shared by an agent and a command', () => {
  it('shows the one what the other renewed', async () => {
    const agent = await PeerHome.create(path, enrolled);
    const command = await PeerHome.open(path);
    const authority = await TestAuthority.create();
    const renewed = await authority.issue(enrolled.peerId);
    expect(command.transactionKeys().current.kid).toBe(key(1).kid);

    await agent.saveTransactionKey(key(2), NOW_MS + 1_000);
    await agent.saveCertificate(renewed.certificatePem);
    await agent.setShare(5_000);

    expect(command.transactionKeys().current.kid).toBe(key(2).kid);
    expect(command.transactionKeys().previous).toMatchObject({ key: { kid: key(1).kid }, untilMs: NOW_MS + 1_000 });
    expect(command.certificate().pem).toBe(renewed.certificatePem);
    expect(command.shareBytes).toBe(5_000);
  });

  it('parses a file once while it does not change', async () => {
    const home = await PeerHome.create(path, enrolled);
    expect(home.transactionKeys()).toBe(home.transactionKeys());
  });

  it('keeps the last of many saves, and all of them in order', async () => {
    const home = await PeerHome.create(path, enrolled);
    await Promise.all([2, 3, 4].map((fill) => home.saveTransactionKey(key(fill), NOW_MS)));
    expect(home.transactionKeys()).toMatchObject({
      current: { kid: key(4).kid },
      previous: { key: { kid: key(3).kid } },
    });
  });

  it('keeps the previous key when the same key is saved again', async () => {
    const home = await PeerHome.create(path, enrolled);
    await home.saveTransactionKey(key(2), NOW_MS);
    await home.saveTransactionKey(key(2), NOW_MS);
    expect(home.transactionKeys().previous).toMatchObject({ key: { kid: key(1).kid } });
  });
});

describe('the master key', () => {
  it('is missing until it is saved, then stays', async () => {
    const home = await PeerHome.create(path, enrolled);
    await expect(home.masterKey()).rejects.toMatchObject({ code: 'master_key_missing' });
    const master = new Uint8Array(32).fill(9);
    await home.saveMasterKey(master);
    await home.saveMasterKey(master);
    expect([...(await home.masterKey())]).toEqual([...master]);
    expect((await readFile(join(path, 'master.key'), 'utf8')).trim()).toHaveLength(43);
  });

  it('is never replaced by another', async () => {
    const home = await PeerHome.create(path, enrolled);
    await home.saveMasterKey(new Uint8Array(32).fill(9));
    await expect(home.saveMasterKey(new Uint8Array(32).fill(8))).rejects.toMatchObject({ code: 'home_exists' });
    expect((await home.masterKey())[0]).toBe(9);
  });

  it('is drafted once, so that an init that was cut off goes on with the same key', async () => {
    const home = await PeerHome.create(path, enrolled);
    const first = await home.draftMasterKey(() => new Uint8Array(32).fill(9));
    const again = await (await PeerHome.open(path)).draftMasterKey(() => new Uint8Array(32).fill(8));
    expect([...again]).toEqual([...first]);
    expect(await home.hasMasterKey()).toBe(false);
    await home.saveMasterKey(first);
    await expect(stat(join(path, 'master.key.draft'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is refused when others can read it', async () => {
    const home = await PeerHome.create(path, enrolled);
    await home.saveMasterKey(new Uint8Array(32).fill(9));
    await chmod(join(path, 'master.key'), 0o604);
    await expect(home.masterKey()).rejects.toMatchObject({ code: 'secret_file_exposed' });
  });
});
