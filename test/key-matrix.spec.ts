// Sixteen kinds of things that are sealed or signed, sixteen keys: each kind holds under its own key alone (B8, B9, B10).
// All keys are 32 bytes here, so that each can be put in the place of each other: as a MAC key, as the key of a cipher,
// as the scalar of a P-256 key, as the seed of an Ed25519 key. Requests, certificate requests and recovery proofs go
// to a running broker; the rest to the function that a peer calls.
import {
  createECDH,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomBytes,
  sign,
  webcrypto,
} from 'node:crypto';
import * as x509 from '@peculiar/x509';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  childKey,
  decodeApproval,
  decodeBase64url,
  decodeLease,
  decodeReceipt,
  encodeApproval,
  encodeBase64url,
  encodeLease,
  encodeReceipt,
  es256Signer,
  es256Verifier,
  formatTime,
  type LeaseId,
  nodeSuite,
  type PeerId,
  readRequestSignature,
  recoveryProofMessage,
  type StatementKind,
  type StatementSigner,
  sealToken,
  signAnswer,
  signingKid,
  signRequest,
  type TokenClaims,
  type TransactionId,
  TransactionKey,
  unwrapTransactionKey,
  utf8,
  uuidV7,
  verifyAnswer,
  verifyToken,
  wrapTransactionKey,
} from '#protocol';
import { BrokerFixture } from '../apps/server/src/testing/broker-fixture.js';
import { enrol, makeIdentity, TestPeer } from '../apps/server/src/testing/test-peer.js';
import { V3LocalKey } from '../libs/protocol/src/paseto/v3-local.js';
import { CID, codeOf } from '../libs/protocol/testing/examples.js';
import { expectationOf, TOKEN_KINDS } from '../libs/protocol/testing/token-kinds.js';

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** One thing to make: its text under any key, and what the one who should take it says to any text in its place. */
interface Made {
  under(keyBytes: Uint8Array): Promise<string> | string;
  verdictOf(text: string): Promise<string> | string;
}
interface Kind {
  readonly name: string;
  /** The name of the one key under which it holds. */
  readonly key: string;
  readonly refusal: string;
  make(): Promise<Made> | Made;
}

let fixture: BrokerFixture;
let keys: ReadonlyMap<string, Uint8Array>;
let kinds: readonly Kind[];
let peerA: TestPeer;

beforeAll(async () => {
  fixture = await BrokerFixture.start({ openingCreditBytes: 1 });
  peerA = await TestPeer.enrol(fixture);
  const peerB = await TestPeer.enrol(fixture);
  const recoverySeed = randomBytes(32);
  const recoveryPublic = publicOf(ed25519Of(recoverySeed));
  await peerA.post('/v1/recovery-key', { publicKey: recoveryPublic });
  const renewing = randomBytes(32);
  const leaseKey = randomBytes(32);
  const approvalKey = randomBytes(32);
  keys = new Map([
    ...subKeysOf('A', peerA.key),
    ...subKeysOf('B', peerB.key),
    ['identity of A', scalarOf(peerA.identity.privateKey)],
    ['identity of B', scalarOf(peerB.identity.privateKey)],
    ['identity of a new machine', renewing],
    ['recovery key', recoverySeed],
    ['broker: lease', leaseKey],
    ['broker: approval', approvalKey],
  ]);
  kinds = [
    ...['A', 'B'].flatMap((name) => kindsOfPeer(name, name === 'A' ? peerA : peerB)),
    certificateRequest(renewing),
    recoveryProof(recoveryPublic),
    statement('lease', leaseKey),
    statement('approval', approvalKey),
  ];
});

afterAll(() => fixture.remove());

describe('sixteen kinds under sixteen keys', () => {
  it('hold on the diagonal, 0 off it, each refused with its code', async () => {
    expect([kinds.length, keys.size]).toEqual([16, 16]);
    expect(kinds.map(({ key }) => key).sort()).toEqual([...keys.keys()].sort());
    const refusals: Record<string, number> = {};
    let accepted = 0;
    for (const kind of kinds) {
      for (const [name, bytes] of keys) {
        const made = await kind.make();
        const verdict = await made.verdictOf(await made.under(bytes));
        expect(verdict, `${kind.name} under ${name}`).toBe(kind.key === name ? 'accepted' : kind.refusal);
        if (verdict === 'accepted') accepted++;
        else refusals[verdict] = (refusals[verdict] ?? 0) + 1;
      }
    }
    expect(accepted).toBe(16);
    expect(refusals).toEqual({
      token_invalid: 60,
      signature_invalid: 30,
      answer_untrusted: 60,
      receipt_invalid: 30,
      csr_invalid: 15,
      recovery_proof_invalid: 15,
      lease_invalid: 15,
      approval_invalid: 15,
    });
  });

  it('are not each other: each, made right, is refused in the place of the fifteen others', async () => {
    let refused = 0;
    for (const kind of kinds) {
      for (const other of kinds.filter((candidate) => candidate !== kind)) {
        const text = await (await other.make()).under(keys.get(other.key)!);
        const verdict = await (await kind.make()).verdictOf(text);
        // Texts that are not even of the shape are refused by the schema of the message.
        // Both kinds of tokens for one host are opened there; what they permit is told apart by their op.
        const isOwnToken = kind.name.startsWith('a token') && kind.name.slice(-1) === other.name.slice(-1);
        const refusals = [kind.refusal, 'request_invalid', ...(isOwnToken ? ['token_wrong_op'] : [])];
        expect(refusals, `${other.name} as ${kind.name}`).toContain(verdict);
        refused++;
      }
    }
    expect(refused).toBe(240);
  });

  it('tokens of every op hold under the token key of their host alone', () => {
    const key = peerA.key;
    let accepted = 0;
    for (const kind of TOKEN_KINDS) {
      for (const [name, bytes] of keys) {
        const text = sealToken(withTokenKey(key, bytes), kind.claims, randomBytes(32));
        const right = kind.claims.op === 'offline' ? 'A: offline' : 'A: token';
        const code = codeOf(() => verifyToken(text, expectationOf(kind, key)));
        expect(code, `${kind.name} under ${name}`).toBe(name === right ? 'accepted' : 'token_invalid');
        if (code === 'accepted') accepted++;
      }
    }
    expect(accepted).toBe(TOKEN_KINDS.length);
  });
});

function kindsOfPeer(name: string, peer: TestPeer): Kind[] {
  const { key, peerId } = peer;
  const { trustDomain } = fixture.broker;
  const targetUri = `${fixture.url}/v1/peers/me`;
  const requestBy = (signer: TransactionKey, nonce: Uint8Array) =>
    signRequest({
      method: 'GET',
      targetUri,
      body: new Uint8Array(0),
      peerId,
      key: signer,
      createdMs: fixture.clock.nowMs(),
      nonce,
    });
  return [
    token('token', TOKEN_KINDS[0]!, name, peer),
    token('offline', TOKEN_KINDS.find(({ claims }) => claims.op === 'offline')!, name, peer),
    {
      name: `a request of ${name}`,
      key: `${name}: control/to-broker`,
      refusal: 'signature_invalid',
      make: () => {
        const nonce = randomBytes(16);
        const { headers } = requestBy(key, nonce);
        return {
          under: (bytes) => requestBy(withSubKey(key, { toBroker: nodeSuite.hmacSha256(bytes) }), nonce).signature,
          verdictOf: async (text) => {
            const shown = { ...headers, signature: `peerkeep=${text}` };
            const answer = await request(fixture.url)
              .get('/v1/peers/me')
              .ca(await fixture.caPem())
              .set(shown);
            return answer.status === 200 ? 'accepted' : String(answer.body.code);
          },
        };
      },
    },
    {
      name: `an answer to ${name}`,
      key: `${name}: control/to-peer`,
      refusal: 'answer_untrusted',
      make: () => {
        const body = utf8('{}');
        const asked = requestBy(key, randomBytes(16));
        const answerBy = (signer: TransactionKey) =>
          signAnswer({
            status: 200,
            body,
            request: readRequestSignature(asked.headers),
            key: signer,
            nowMs: fixture.clock.nowMs(),
          });
        const headers = answerBy(key);
        return {
          under: (bytes) =>
            answerBy(withSubKey(key, { toPeer: nodeSuite.hmacSha256(bytes) })).signature!.replace('peerkeep=', ''),
          verdictOf: (text) => {
            const shown = { ...headers, signature: `peerkeep=${text}` };
            return codeOf(() => verifyAnswer({ status: 200, headers: shown, body, request: asked, peerId, key }));
          },
        };
      },
    },
    {
      name: `a wrapped transaction key for ${name}`,
      key: `${name}: wrap`,
      refusal: 'answer_untrusted',
      make: () => ({
        under: (bytes) =>
          wrapTransactionKey(
            new TransactionKey(randomBytes(32)),
            withSubKey(key, { wrap: bytes }),
            peerId,
            randomBytes(12),
          ),
        verdictOf: (text) => codeOf(() => unwrapTransactionKey(text, key, peerId)),
      }),
    },
    {
      name: `a receipt of ${name}`,
      key: `identity of ${name}`,
      refusal: 'receipt_invalid',
      make: () => {
        const nowMs = fixture.clock.nowMs();
        const claims = {
          trustDomain,
          transactionId: uuidV7<TransactionId>(nowMs, randomBytes(10)),
          op: 'put',
          hostId: peerId,
          clientId: peerId,
          items: [{ cid: CID, sizeBytes: 1, result: 'stored' }],
          timeMs: nowMs,
        } as const;
        const verify = es256Verifier(new x509.X509Certificate(peer.enrolled.certificate).publicKey.toString('pem'));
        return {
          under: (bytes) => encodeReceipt(claims, es256Signer(p256Of(bytes))),
          verdictOf: (text) => codeOf(() => decodeReceipt(text, verify)),
        };
      },
    },
  ];
}

function token(label: string, kind: (typeof TOKEN_KINDS)[number], name: string, { key, peerId }: TestPeer): Kind {
  const { trustDomain } = fixture.broker;
  return {
    name: `a token of the key ${label} for ${name}`,
    key: `${name}: ${label}`,
    refusal: 'token_invalid',
    make: () => {
      const nowMs = fixture.clock.nowMs();
      const times = { issuedAtMs: nowMs, notBeforeMs: nowMs, expiresAtMs: nowMs + 60_000 };
      const claims: TokenClaims = { ...kind.claims, trustDomain, hostId: peerId, ...times };
      return {
        under: (bytes) => sealToken(withTokenKey(key, bytes), claims, randomBytes(32)),
        verdictOf: (text) =>
          codeOf(() => verifyToken(text, expectationOf(kind, key, { trustDomain, hostId: peerId, nowMs }))),
      };
    },
  };
}

/** What a machine shows of its own key when it enrols: the request names that key, whoever signs it. */
function certificateRequest(identity: Uint8Array): Kind {
  return {
    name: 'a certificate request',
    key: 'identity of a new machine',
    refusal: 'csr_invalid',
    make: () => ({
      under: async (bytes) => {
        const publicKey = (await webKeysOf(identity)).publicKey;
        const { privateKey } = await webKeysOf(bytes);
        const csr = await x509.Pkcs10CertificateRequestGenerator.create({
          name: 'CN=x',
          keys: { publicKey, privateKey },
          signingAlgorithm: P256,
        });
        return encodeBase64url(new Uint8Array(csr.rawData));
      },
      verdictOf: async (csr) => {
        const { key } = await fixture.broker.createEnrolmentKey();
        const answer = await enrol(fixture, { csr, credential: { kind: 'enrolment-key', key } });
        return answer.code ?? 'accepted';
      },
    }),
  };
}

function recoveryProof(publicKey: string): Kind {
  return {
    name: 'a recovery proof',
    key: 'recovery key',
    refusal: 'recovery_proof_invalid',
    make: async () => {
      const { csr, csrDer } = await makeIdentity();
      const madeAt = formatTime(fixture.clock.nowMs());
      const message = recoveryProofMessage({ trustDomain: fixture.broker.trustDomain, csrDer, madeAt });
      return {
        under: (bytes) => encodeBase64url(sign(null, message, ed25519Of(bytes))),
        verdictOf: async (proof) => {
          const answer = await enrol(fixture, {
            csr,
            credential: { kind: 'recovery-proof', publicKey, proof, madeAt },
          });
          return answer.code ?? 'accepted';
        },
      };
    },
  };
}

/** What the broker says for relays or neighbours to see, checked by who knows the public key of each kind. */
function statement(kind: Exclude<StatementKind, 'release'>, keyBytes: Uint8Array): Kind {
  const spki = createPublicKey(p256Of(keyBytes)).export({ format: 'der', type: 'spki' });
  const known = { kid: signingKid(spki), use: kind, publicKey: encodeBase64url(spki) };
  const idOf = <T extends string>() => uuidV7<T>(fixture.clock.nowMs(), randomBytes(10));
  return {
    name: `${kind} of the broker`,
    key: `broker: ${kind}`,
    refusal: `${kind}_invalid`,
    make: () => {
      const issuedAtMs = fixture.clock.nowMs();
      const hostId = idOf<PeerId>();
      const claims = { trustDomain: fixture.broker.trustDomain, issuedAtMs, expiresAtMs: issuedAtMs + 60_000 };
      const limits = { name: null, web: false, bytesMax: 1, bytesPerSecondMax: 1 };
      const lease = { ...claims, ...limits, kind: 'serve', leaseId: idOf<LeaseId>(), relayId: idOf<PeerId>() } as const;
      const approval = { ...claims, hostId, alias: '192.168.1.7:6515', taskId: encodeBase64url(randomBytes(16)) };
      const write = (signer: StatementSigner) =>
        kind === 'lease'
          ? encodeLease({ ...lease, subject: hostId, peerId: hostId }, signer)
          : encodeApproval(approval, signer);
      return {
        under: (bytes) => write({ kid: known.kid, sign: es256Signer(p256Of(bytes)) }),
        verdictOf: (text) =>
          codeOf(() => (kind === 'lease' ? decodeLease(text, [known]) : decodeApproval(text, [known]))),
      };
    },
  };
}

function subKeysOf(name: string, { bytes }: TransactionKey): [string, Uint8Array][] {
  return ['token', 'offline', 'control/to-broker', 'control/to-peer', 'wrap'].map((label) => [
    `${name}: ${label}`,
    childKey(nodeSuite, bytes, `peerkeep/1/${label}`),
  ]);
}

/** The key under its own name, with another key in the place of one of its sub-keys. */
function withSubKey(key: TransactionKey, other: Partial<TransactionKey>): TransactionKey {
  return Object.assign(Object.create(key) as TransactionKey, other);
}

/** The key under its own names, with another key in the place of both that seal tokens. */
function withTokenKey(key: TransactionKey, bytes: Uint8Array): TransactionKey {
  const token = new V3LocalKey(bytes, nodeSuite);
  const offline = Object.assign(Object.create(key.offline) as TransactionKey['offline'], { token });
  return Object.defineProperty(withSubKey(key, { token }), 'offline', { value: offline });
}

function scalarOf(privateKey: KeyObject): Uint8Array {
  return decodeBase64url(privateKey.export({ format: 'jwk' }).d!)!;
}

function p256Jwk(scalar: Uint8Array): { kty: string; crv: string; d: string; x: string; y: string } {
  const curve = createECDH('prime256v1');
  curve.setPrivateKey(scalar);
  const point = curve.getPublicKey();
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => encodeBase64url(part));
  return { kty: 'EC', crv: 'P-256', d: encodeBase64url(scalar), x: x!, y: y! };
}

function p256Of(scalar: Uint8Array): KeyObject {
  return createPrivateKey({ key: p256Jwk(scalar), format: 'jwk' });
}

async function webKeysOf(scalar: Uint8Array): Promise<webcrypto.CryptoKeyPair> {
  const { d, ...publicJwk } = p256Jwk(scalar);
  return {
    privateKey: await webcrypto.subtle.importKey('jwk', { ...publicJwk, d }, P256, false, ['sign']),
    publicKey: await webcrypto.subtle.importKey('jwk', publicJwk, P256, true, ['verify']),
  };
}

function ed25519Of(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_ED25519, seed]), format: 'der', type: 'pkcs8' });
}

function publicOf(privateKey: KeyObject): string {
  return privateKey.export({ format: 'jwk' }).x!;
}
