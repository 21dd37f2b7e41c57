// A renewal changes the end of a certificate, and nothing that others said about the peer meanwhile.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '#process';
import { CERTIFICATE_LIFE_MS, type PeerId } from '#protocol';
import { openKeyEncryptionKey, prepareDataDir } from '../config/data-dir.js';
import type { Caller } from '../control/caller.js';
import { KeyVault } from '../keys/key-vault.js';
import { type KnownPeer, PeerDirectory } from '../peers/peer-directory.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { makeIdentity } from '../testing/test-peer.js';
import { CertificateAuthority } from './certificate-authority.js';
import { RenewCertificate } from './renew-certificate.js';

const NOW_MS = 1_800_000_000_000;

let folder: string;
let database: BrokerDatabase;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'peerkeep-renew-'));
  database = await BrokerDatabase.open(join(folder, 'broker.db'));
});

afterEach(async () => {
  await database.close();
  await rm(folder, { recursive: true });
});

describe('RenewCertificate', () => {
  it('leaves a peer suspended that was suspended while it asked', async () => {
    const dataDir = await prepareDataDir(join(folder, 'data'));
    const authority = await CertificateAuthority.open(dataDir, new KeyVault(await openKeyEncryptionKey(dataDir)), {
      trustDomain: null,
      defaultTrustDomain: 'test.example',
      nowMs: NOW_MS,
    });
    const { csr, csrDer } = await makeIdentity();
    const { publicKey } = await authority.checkRequest(csrDer);
    const peerId = '01890000-0000-7000-8000-000000000001' as PeerId;
    const peer = {
      peerId,
      accountId: 'a',
      name: 'box',
      state: 'active',
      publicKey,
      certificateExpiresAtMs: 0,
    } as KnownPeer;
    const directory = new PeerDirectory(database);
    directory.add({ ...peer, state: 'suspended' });

    const clock = new FakeClock(NOW_MS);
    await new RenewCertificate(database, clock, authority, directory).run({ peer } as Caller, { csr });
    expect(directory.find(peerId)).toMatchObject({
      state: 'suspended',
      certificateExpiresAtMs: NOW_MS + CERTIFICATE_LIFE_MS,
    });
  });
});
