// A home sealed under a credential: a copy of the home alone opens nothing (B6).
import { chmod, mkdir, mkdtemp, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { type AccountId, type PeerId, TransactionKey, uuidV7 } from '#protocol';
import { TestAuthority } from '../../../test/authority.js';
import type { EnrolledPeer } from './enrol-peer.js';
import { HomeKey, readHomeKey } from './home-key.js';
import { PeerHome } from './peer-home.js';

const NOW_MS = Date.UTC(2026, 10, 20);
const SECRETS = ['identity.key', 'transaction-keys.json', 'master.key'];
const homeKey = new HomeKey(new Uint8Array(32).fill(5));
const masterKey = new Uint8Array(32).fill(9);

let path: string;
let enrolled: EnrolledPeer;

beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'sealed-home-')), 'home');
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
    transactionKey: new TransactionKey(new Uint8Array(32).fill(1)),
    brokerTimeMs: NOW_MS,
  };
});

const sealedFiles = async (): Promise<string[]> => {
  const texts = await Promise.all(SECRETS.map((file) => readFile(join(path, file), 'utf8')));
  return SECRETS.filter((_, i) => texts[i]!.startsWith('peerkeep-sealed-1 '));
};

describe('a sealed home', () => {
  it('says the same to whoever has the key, renewals included, and nothing in the clear', async () => {
    const home = await PeerHome.create(path, enrolled, homeKey);
    await home.saveMasterKey(masterKey);
    await home.saveTransactionKey(new TransactionKey(new Uint8Array(32).fill(2)), NOW_MS);
    const again = await PeerHome.open(path, homeKey);
    expect(again.privateKeyPem).toBe(enrolled.privateKeyPem);
    expect(again.transactionKeys().current.bytes[0]).toBe(2);
    expect(again.transactionKeys().previous?.key.kid).toBe(enrolled.transactionKey.kid);
    expect([...(await again.masterKey())]).toEqual([...masterKey]);
    expect(await sealedFiles()).toEqual(SECRETS);
  });

  it('is refused without the key, and with another', async () => {
    await PeerHome.create(path, enrolled, homeKey);
    await expect(PeerHome.open(path)).rejects.toMatchObject({ code: 'home_sealed' });
    const other = new HomeKey(new Uint8Array(32).fill(6));
    await expect(PeerHome.open(path, other)).rejects.toMatchObject({ code: 'home_key_invalid' });
  });

  it('is sealed when a plain home is first opened with a key', async () => {
    const plain = await PeerHome.create(path, enrolled);
    await plain.saveMasterKey(masterKey);
    expect(await sealedFiles()).toEqual([]);
    const home = await PeerHome.open(path, homeKey);
    expect(await sealedFiles()).toEqual(SECRETS);
    expect([...(await home.masterKey())]).toEqual([...masterKey]);
    await expect(PeerHome.open(path)).rejects.toMatchObject({ code: 'home_sealed' });
  });

  it('takes no file for another, and none that was altered', async () => {
    const home = await PeerHome.create(path, enrolled, homeKey);
    await home.draftMasterKey(() => masterKey);
    await rename(join(path, 'master.key.draft'), join(path, 'master.key'));
    await expect(home.masterKey()).rejects.toMatchObject({ code: 'home_key_invalid' });
    const file = join(path, 'identity.key');
    const text = await readFile(file, 'utf8');
    const last = text.at(-3) === 'A' ? 'B' : 'A';
    await writeFile(file, `${text.slice(0, -3)}${last}${text.slice(-2)}`);
    await expect(PeerHome.open(path, homeKey)).rejects.toMatchObject({ code: 'home_key_invalid' });
    await writeFile(file, 'peerkeep-sealed-1 AAAA\n');
    await expect(PeerHome.open(path, homeKey)).rejects.toMatchObject({ code: 'home_key_invalid' });
  });

  it('is never written under the same nonce twice', () => {
    expect(homeKey.seal('a', 'text')).not.toBe(homeKey.seal('a', 'text'));
  });
});

describe('the credential', () => {
  let folder: string;
  let file: string;
  const read = (): Promise<HomeKey | null> => readHomeKey({ CREDENTIALS_DIRECTORY: folder });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'credentials-'));
    file = join(folder, 'peerkeep-home-key');
  });

  it.each([0o400, 0o440, 0o600])('is read with mode %o, as systemd makes it', async (mode) => {
    await writeFile(file, new Uint8Array(32).fill(5));
    await chmod(file, mode);
    const key = await read();
    expect(key?.open('a', homeKey.seal('a', 'text'))).toBe('text');
  });

  it('is missing without a folder, and in a folder that has none', async () => {
    expect(await readHomeKey({})).toBeNull();
    expect(await read()).toBeNull();
  });

  it.each([0o444, 0o420, 0o604])('is refused with mode %o', async (mode) => {
    await writeFile(file, new Uint8Array(32).fill(5));
    await chmod(file, mode);
    await expect(read()).rejects.toMatchObject({ code: 'secret_file_exposed' });
  });

  it('is refused through a symlink, as a folder, and when it is short', async () => {
    const target = join(folder, 'elsewhere');
    await writeFile(target, new Uint8Array(32), { mode: 0o600 });
    await symlink(target, file);
    await expect(read()).rejects.toMatchObject({ code: 'secret_file_exposed' });
    await rename(file, join(folder, 'link'));
    await mkdir(file, { mode: 0o700 });
    await expect(read()).rejects.toMatchObject({ code: 'secret_file_exposed' });
    await rename(file, join(folder, 'folder'));
    await writeFile(file, new Uint8Array(31), { mode: 0o400 });
    await expect(read()).rejects.toMatchObject({ code: 'home_key_invalid' });
  });
});
