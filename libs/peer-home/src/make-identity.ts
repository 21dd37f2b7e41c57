// A peer's identity key and the certificate request over it: ECDSA P-256, made on the peer's own machine.
import { createPrivateKey, webcrypto } from 'node:crypto';

export interface Identity {
  /** PKCS #8. It never leaves the machine. */
  readonly privateKeyPem: string;
  /** PKCS #10. */
  readonly csrDer: Uint8Array;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** A fresh identity. */
export async function makeIdentity(): Promise<Identity> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  const privateKey = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  return {
    privateKeyPem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    csrDer: await requestFor(keys),
  };
}

/** A certificate request over the identity that a peer has, for renewal. */
export async function makeCertificateRequest(privateKeyPem: string): Promise<Uint8Array> {
  const pkcs8 = createPrivateKey(privateKeyPem).export({ format: 'der', type: 'pkcs8' });
  const privateKey = await webcrypto.subtle.importKey('pkcs8', pkcs8, ALGORITHM, true, ['sign']);
  const { kty, crv, x, y } = await webcrypto.subtle.exportKey('jwk', privateKey);
  const publicKey = await webcrypto.subtle.importKey('jwk', { kty: kty!, crv: crv!, x: x!, y: y! }, ALGORITHM, true, [
    'verify',
  ]);
  return requestFor({ privateKey, publicKey });
}

/** The subject is empty: the broker alone decides what name the certificate carries. */
async function requestFor(keys: webcrypto.CryptoKeyPair): Promise<Uint8Array> {
  // Loaded here, because it takes longer than most commands run, and few need it.
  await import('reflect-metadata');
  const { Pkcs10CertificateRequestGenerator } = await import('@peculiar/x509');
  const request = await Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm: ALGORITHM }, webcrypto);
  return new Uint8Array(request.rawData);
}
