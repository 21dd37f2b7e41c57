// The CA of the trust domain (SPEC §1): it says which key belongs to which peer. Its own key is sealed at rest.
import 'reflect-metadata';
import { createHash, randomBytes, webcrypto } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import { writeFileDurably } from '#process';
import {
  CERTIFICATE_LIFE_MS,
  CLOCK_SKEW_MS_MAX,
  encodeBase64url,
  formatSpiffeId,
  isTrustDomain,
  type PeerId,
  ProtocolError,
} from '#protocol';
import type { DataDir } from '../config/data-dir.js';
import type { KeyVault } from '../keys/key-vault.js';
import { SEALED_SECRETS } from '../keys/sealed-secrets.js';
import { CA_LIFE_MS } from '../limits.js';

x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const { about: CA_KEY_ABOUT } = SEALED_SECRETS['ca-key'];

export interface IssuedCertificate {
  readonly pem: string;
  readonly expiresAtMs: number;
}

/** A certificate request whose own signature holds, over a P-256 key. */
export interface CheckedRequest {
  /** SPKI, DER, base64url: how the broker knows the peer's identity key again. */
  readonly publicKey: string;
}

export class CertificateAuthority {
  private constructor(
    readonly trustDomain: string,
    readonly pem: string,
    private readonly certificate: x509.X509Certificate,
    private readonly key: webcrypto.CryptoKey,
  ) {}

  get expiresAtMs(): number {
    return this.certificate.notAfter.getTime();
  }

  /** SHA-256 of the certificate in DER, hex: what a join link pins. */
  get sha256(): string {
    return createHash('sha256').update(new Uint8Array(this.certificate.rawData)).digest('hex');
  }

  /**
   * Open the CA of a data directory, or make one in a new directory.
   *
   * trustDomain   null: as the directory has it
   * throws        usage when the directory belongs to another trust domain; data_dir_corrupt
   */
  static async open(
    dataDir: DataDir,
    vault: KeyVault,
    wanted: { trustDomain: string | null; defaultTrustDomain: string; nowMs: number },
  ): Promise<CertificateAuthority> {
    const sealedKey = await readIfThere(dataDir.caKey);
    const pem = await readIfThere(dataDir.caCertificate);
    if (sealedKey === null || pem === null) {
      // The certificate is written last, so a key without one is an interrupted first start.
      if (pem !== null) throw new ProtocolError('data_dir_corrupt', { path: dataDir.caKey });
      return CertificateAuthority.create(dataDir, vault, wanted.trustDomain ?? wanted.defaultTrustDomain, wanted.nowMs);
    }
    const pkcs8 = vault.open('ca-key', CA_KEY_ABOUT, sealedKey.trim());
    if (pkcs8 === null) throw new ProtocolError('data_dir_corrupt', { path: dataDir.caKey });
    const key = await webcrypto.subtle.importKey('pkcs8', pkcs8, P256, false, ['sign']);
    const certificate = new x509.X509Certificate(pem);
    const trustDomain = trustDomainOf(certificate);
    if (trustDomain === null) throw new ProtocolError('data_dir_corrupt', { path: dataDir.caCertificate });
    if (wanted.trustDomain !== null && wanted.trustDomain !== trustDomain) {
      const detail = `this data directory belongs to the trust domain ${trustDomain}`;
      throw new ProtocolError('usage', {}, { detail });
    }
    return new CertificateAuthority(trustDomain, pem, certificate, key);
  }

  private static async create(
    dataDir: DataDir,
    vault: KeyVault,
    trustDomain: string,
    nowMs: number,
  ): Promise<CertificateAuthority> {
    const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: freshSerial(),
      name: `CN=Peerkeep CA of ${trustDomain}`,
      notBefore: new Date(nowMs - CLOCK_SKEW_MS_MAX),
      notAfter: new Date(nowMs + CA_LIFE_MS),
      signingAlgorithm: P256,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
        // SPIFFE X.509-SVID §4.2: a signing certificate names the trust domain, without a path.
        new x509.SubjectAlternativeNameExtension([{ type: 'url', value: `spiffe://${trustDomain}` }]),
      ],
    });
    const pkcs8 = new Uint8Array(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
    await writeFileDurably(dataDir.caKey, `${vault.seal('ca-key', CA_KEY_ABOUT, pkcs8)}\n`, 0o600);
    await writeFileDurably(dataDir.caCertificate, `${certificate.toString('pem')}\n`, 0o600);
    return new CertificateAuthority(trustDomain, certificate.toString('pem'), certificate, keys.privateKey);
  }

  /** throws csr_invalid unless the request is signed by the P-256 key that it is about */
  async checkRequest(csrDer: Uint8Array): Promise<CheckedRequest> {
    let request: x509.Pkcs10CertificateRequest;
    let genuine: boolean;
    try {
      request = new x509.Pkcs10CertificateRequest(csrDer as Uint8Array<ArrayBuffer>);
      genuine = await request.verify();
    } catch (error) {
      throw new ProtocolError('csr_invalid', {}, { cause: error });
    }
    const { name, namedCurve } = request.publicKey.algorithm as { name?: string; namedCurve?: string };
    if (!genuine || name !== P256.name || namedCurve !== P256.namedCurve) throw new ProtocolError('csr_invalid');
    return { publicKey: encodeBase64url(new Uint8Array(request.publicKey.rawData)) };
  }

  /** The certificate of a peer over the key of its checked request; nothing else of the request is taken. */
  issueForPeer(
    peerId: PeerId,
    csrDer: Uint8Array,
    nowMs: number,
    lifeMs = CERTIFICATE_LIFE_MS,
  ): Promise<IssuedCertificate> {
    const request = new x509.Pkcs10CertificateRequest(csrDer as Uint8Array<ArrayBuffer>);
    return this.issue({
      publicKey: request.publicKey,
      commonName: peerId,
      names: [{ type: 'url', value: formatSpiffeId({ trustDomain: this.trustDomain, subject: peerId }) }],
      nowMs,
      lifeMs,
    });
  }

  /**
   * A fresh key and certificate for the broker itself. The key never touches the disk.
   *
   * listenHost   of its own listener; null for one that only asks hosts
   */
  async issueForBroker(
    listenHost: string | null,
    nowMs: number,
  ): Promise<IssuedCertificate & { privateKeyPem: string }> {
    const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
    const issued = await this.issue({
      publicKey: keys.publicKey,
      commonName: 'broker',
      names: [
        { type: 'url', value: formatSpiffeId({ trustDomain: this.trustDomain, subject: 'broker' }) },
        ...(listenHost === null ? [] : [hostName(listenHost)]),
      ],
      nowMs,
      lifeMs: CERTIFICATE_LIFE_MS,
    });
    const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
    return { ...issued, privateKeyPem: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY') };
  }

  private async issue(subject: {
    publicKey: x509.PublicKeyType;
    commonName: string;
    names: x509.JsonGeneralNames;
    nowMs: number;
    lifeMs: number;
  }): Promise<IssuedCertificate> {
    const expiresAtMs = subject.nowMs + subject.lifeMs;
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: freshSerial(),
      subject: `CN=${subject.commonName}`,
      issuer: this.certificate.subject,
      // A peer whose clock is a little late must not see a certificate from the future.
      notBefore: new Date(subject.nowMs - CLOCK_SKEW_MS_MAX),
      notAfter: new Date(expiresAtMs),
      signingAlgorithm: P256,
      publicKey: subject.publicKey,
      signingKey: this.key,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
        await x509.AuthorityKeyIdentifierExtension.create(this.certificate.publicKey),
        new x509.SubjectAlternativeNameExtension(subject.names),
      ],
    });
    return { pem: certificate.toString('pem'), expiresAtMs };
  }
}

function hostName(host: string): x509.JsonGeneralName {
  return { type: isIP(host) === 0 ? 'dns' : 'ip', value: host };
}

/** RFC 5280 §4.1.2.2: positive, at most 20 bytes, not predictable. */
function freshSerial(): string {
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  return serial.toString('hex');
}

function trustDomainOf(certificate: x509.X509Certificate): string | null {
  const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  const uri = names.find((name) => name.type === 'url')?.value ?? '';
  const trustDomain = /^spiffe:\/\/([^/]+)$/.exec(uri)?.[1];
  return trustDomain !== undefined && isTrustDomain(trustDomain) ? trustDomain : null;
}

async function readIfThere(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
}
