// The broker's own certificate in a world, made anew from its data directory: for tests that ask hosts as the broker does.
import type { LinkIdentity } from '#peer-link';
import { CertificateAuthority } from '../apps/server/src/certificates/certificate-authority.js';
import { prepareDataDir } from '../apps/server/src/config/data-dir.js';
import { openVault } from '../apps/server/src/keys/key-files.js';
import type { World } from './world.js';

export async function brokerIdentity(world: World): Promise<LinkIdentity> {
  const dataDir = await prepareDataDir(world.dataDir);
  const vault = await openVault(dataDir, { path: dataDir.keyEncryptionKey, isCredential: false });
  const nowMs = world.clock.nowMs();
  const authority = await CertificateAuthority.open(dataDir, vault, {
    trustDomain: null,
    defaultTrustDomain: world.broker.trustDomain,
    nowMs,
  });
  const { pem, privateKeyPem } = await authority.issueForBroker(null, nowMs);
  return {
    caPem: authority.pem,
    trustDomain: authority.trustDomain,
    own: () => ({ certificatePem: pem, privateKeyPem }),
  };
}
