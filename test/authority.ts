// A certificate authority for tests: real X.509 certificates for a broker and for peers, right and wrong ones alike.
import 'reflect-metadata';
import { createHash, randomBytes, webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  type Extension,
  PemConverter,
  Pkcs10CertificateRequest,
  type PublicKey,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { formatJoinLink, formatSpiffeId, type PeerId, type SpiffeId } from '#protocol';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 24 * 60 * 60 * 1000;

export interface TestIdentity {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export interface CertificateLife {
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
}

export class TestAuthority {
  private constructor(
    readonly trustDomain: string,
    private readonly keys: webcrypto.CryptoKeyPair,
    private readonly certificate: X509Certificate,
  ) {}

  static async create(trustDomain = 'backup.example'): Promise<TestAuthority> {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const certificate = await X509CertificateGenerator.createSelfSigned(
      {
        name: 'CN=Peerkeep test CA',
        keys,
        signingAlgorithm: ALGORITHM,
        extensions: [new BasicConstraintsExtension(true, 0, true)],
        serialNumber: randomBytes(8).toString('hex'),
        ...life({}),
      },
      webcrypto,
    );
    return new TestAuthority(trustDomain, keys, certificate);
  }

  get caPem(): string {
    return `${this.certificate.toString('pem')}\n`;
  }

  joinLink(port: number): string {
    const caSha256 = createHash('sha256').update(Buffer.from(this.certificate.rawData)).digest('hex');
    return formatJoinLink({ host: '127.0.0.1', port, caSha256 });
  }

  /** A certificate and its key for the broker or a peer of this trust domain. */
  async issue(subject: PeerId | 'broker', of: CertificateLife = {}): Promise<TestIdentity> {
    return this.issueNames([{ type: 'url', value: formatSpiffeId({ trustDomain: this.trustDomain, subject }) }], of);
  }

  /** A certificate with any names in it. */
  async issueNames(
    names: readonly { type: 'url' | 'dns'; value: string }[],
    of: CertificateLife = {},
  ): Promise<TestIdentity> {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const certificatePem = await this.sign(keys.publicKey, names, of);
    const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
    return { certificatePem, privateKeyPem: PemConverter.encode(pkcs8, 'PRIVATE KEY') };
  }

  /** A certificate for a request, as a broker would answer it; refuses a request that its key did not sign. */
  async certify(csrDer: Uint8Array, id: SpiffeId): Promise<string> {
    const request = new Pkcs10CertificateRequest(Uint8Array.from(csrDer));
    if (!(await request.verify(webcrypto))) throw new Error('the certificate request is not signed by its key');
    return this.sign(request.publicKey, [{ type: 'url', value: formatSpiffeId(id) }], {});
  }

  private async sign(
    publicKey: webcrypto.CryptoKey | PublicKey,
    names: readonly { type: 'url' | 'dns'; value: string }[],
    of: CertificateLife,
  ): Promise<string> {
    const extensions: Extension[] = [
      new BasicConstraintsExtension(false, undefined, true),
      new SubjectAlternativeNameExtension([...names], true),
    ];
    const certificate = await X509CertificateGenerator.create(
      {
        issuer: this.certificate.subject,
        signingKey: this.keys.privateKey,
        publicKey,
        signingAlgorithm: ALGORITHM,
        extensions,
        serialNumber: randomBytes(8).toString('hex'),
        ...life(of),
      },
      webcrypto,
    );
    return `${certificate.toString('pem')}\n`;
  }
}

function life({ notBeforeMs = Date.now() - DAY_MS, notAfterMs = Date.now() + DAY_MS }: CertificateLife) {
  return { notBefore: new Date(notBeforeMs), notAfter: new Date(notAfterMs) };
}
