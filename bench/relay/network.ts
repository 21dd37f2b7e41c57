// A trust domain for a bench without a broker: a CA, certificates, leases, and the home of a relay that knows how they are signed.
import 'reflect-metadata';
import { generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { PeerHome } from '#peer-home';
import {
  type AccountId,
  encodeBase64url,
  encodeLease,
  es256Signer,
  formatSpiffeId,
  formatTime,
  type LeaseClaims,
  type LeaseId,
  type PeerId,
  type StatementSigner,
  signingKid,
  TransactionKey,
  uuidV7,
} from '#protocol';

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const HOUR_MS = 3_600_000;
export const TRUST_DOMAIN = 'bench.example';

export interface BenchPeer {
  readonly peerId: PeerId;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export class BenchNetwork {
  private constructor(
    private readonly keys: webcrypto.CryptoKeyPair,
    private readonly authority: x509.X509Certificate,
    private readonly signer: StatementSigner,
    private readonly signingKey: string,
  ) {}

  static async create(): Promise<BenchNetwork> {
    x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);
    const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
    const authority = await x509.X509CertificateGenerator.createSelfSigned({
      name: 'CN=bench CA',
      signingAlgorithm: P256,
      keys,
      extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
    });
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const spki = publicKey.export({ format: 'der', type: 'spki' });
    const signer = { kid: signingKid(spki), sign: es256Signer(privateKey) };
    return new BenchNetwork(keys, authority, signer, encodeBase64url(spki));
  }

  get caPem(): string {
    return `${this.authority.toString('pem')}\n`;
  }

  async peer(): Promise<BenchPeer> {
    const peerId = uuidV7<PeerId>(Date.now(), randomBytes(10));
    const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
    const value = formatSpiffeId({ trustDomain: TRUST_DOMAIN, subject: peerId });
    const certificate = await x509.X509CertificateGenerator.create({
      issuer: this.authority.subject,
      signingKey: this.keys.privateKey,
      publicKey: keys.publicKey,
      signingAlgorithm: P256,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.SubjectAlternativeNameExtension([{ type: 'url', value }], true),
      ],
    });
    const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
    const privateKeyPem = x509.PemConverter.encode(pkcs8, 'PRIVATE KEY');
    return { peerId, certificatePem: `${certificate.toString('pem')}\n`, privateKeyPem };
  }

  /** The home of a relay whose broker is away, and which knows how leases are signed. */
  async relayHome(peer: BenchPeer): Promise<string> {
    const path = join(await mkdtemp(join(tmpdir(), 'peerkeep-bench-')), 'relay');
    const home = await PeerHome.create(path, {
      ...peer,
      accountId: uuidV7<AccountId>(Date.now(), randomBytes(10)),
      name: 'relay',
      trustDomain: TRUST_DOMAIN,
      broker: { host: '127.0.0.1', port: 1 },
      caPem: this.caPem,
      transactionKey: new TransactionKey(randomBytes(32)),
      brokerTimeMs: Date.now(),
    });
    const signingKeys = [{ kid: this.signer.kid, use: 'lease' as const, publicKey: this.signingKey }];
    const names = { publicName: null, relayDomain: null };
    await home.network.save({ time: formatTime(Date.now()), signingKeys, lanKeys: [], ...names });
    return path;
  }

  lease(of: Pick<LeaseClaims, 'kind' | 'relayId' | 'subject' | 'peerId'>): string {
    const nowMs = Date.now();
    const leaseId = uuidV7<LeaseId>(nowMs, randomBytes(10));
    const bounds = { bytesMax: 1e15, bytesPerSecondMax: 1e12, issuedAtMs: nowMs, expiresAtMs: nowMs + HOUR_MS };
    return encodeLease({ trustDomain: TRUST_DOMAIN, leaseId, ...of, name: null, web: false, ...bounds }, this.signer);
  }
}
