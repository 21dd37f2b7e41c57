// Enrolment over real TLS: the pin decides who the broker is, and nothing is said to anybody else.
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify, X509Certificate } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type AccountId,
  decodeBase64url,
  type EnrolmentCredential,
  encodeBase64url,
  enrolRequest,
  formatTime,
  type PeerId,
  ProtocolError,
  problemFrom,
  recoveryProofMessage,
  uuidV7,
} from '#protocol';
import { TestAuthority, type TestIdentity } from '../../../test/authority.js';
import { enrolPeer, recoveryCredential } from './enrol-peer.js';

const NOW_MS = Date.UTC(2026, 10, 20);
const PEER_ID = uuidV7<PeerId>(NOW_MS, new Uint8Array(10).fill(1));
const ACCOUNT_ID = uuidV7<AccountId>(NOW_MS, new Uint8Array(10).fill(2));
const CREDENTIAL: EnrolmentCredential = { kind: 'enrolment-key', key: `pke_${'a'.repeat(43)}` };

let authority: TestAuthority;
let server: Server | null = null;
let bodies: unknown[];

beforeEach(async () => {
  authority = await TestAuthority.create();
  bodies = [];
});
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server === null ? resolve(null) : server.close(resolve)));
  server = null;
});

type Answer = (csrDer: Uint8Array) => Promise<{ status: number; json: unknown }>;

async function goodAnswer(csrDer: Uint8Array): Promise<{ status: number; json: Record<string, string> }> {
  const certificate = await authority.certify(csrDer, { trustDomain: authority.trustDomain, subject: PEER_ID });
  return {
    status: 201,
    json: {
      peerId: PEER_ID,
      accountId: ACCOUNT_ID,
      trustDomain: authority.trustDomain,
      certificate,
      transactionKey: encodeBase64url(new Uint8Array(32).fill(7)),
      time: formatTime(NOW_MS),
    },
  };
}

/** A broker on loopback; returns its port. `chain` is what it shows in TLS. */
async function listen(identity: TestIdentity, answer: Answer = goodAnswer, chainCa = authority.caPem): Promise<number> {
  server = createServer(
    { key: identity.privateKeyPem, cert: identity.certificatePem + chainCa },
    async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = enrolRequest.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
      bodies.push(body);
      const { status, json } = await answer(decodeBase64url(body.csr)!);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
    },
  );
  const started = server;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return (started.address() as AddressInfo).port;
}

describe('enrolment', () => {
  it('gives a certificate for a key that stays here, and the transaction key', async () => {
    const port = await listen(await authority.issue('broker'));
    const peer = await enrolPeer({ joinLink: authority.joinLink(port), name: 'laptop', credential: CREDENTIAL });
    expect(peer).toMatchObject({
      peerId: PEER_ID,
      accountId: ACCOUNT_ID,
      name: 'laptop',
      trustDomain: 'backup.example',
      broker: { host: '127.0.0.1', port },
      brokerTimeMs: NOW_MS,
    });
    expect([...peer.transactionKey.bytes]).toEqual([...new Uint8Array(32).fill(7)]);
    const ours = createPublicKey(createPrivateKey(peer.privateKeyPem));
    expect(new X509Certificate(peer.certificatePem).publicKey.equals(ours)).toBe(true);
    expect(peer.caPem.trim()).toBe(authority.caPem.trim());
    expect(bodies).toMatchObject([{ name: 'laptop', credential: CREDENTIAL }]);
    expect(JSON.stringify(bodies)).not.toContain('PRIVATE KEY');
  });

  it('proves the recovery phrase over this trust domain and this very key', async () => {
    const pair = generateKeyPairSync('ed25519');
    const publicKey = pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
    const port = await listen(await authority.issue('broker'));
    const credential = recoveryCredential({
      publicKey,
      sign: (message) => sign(null, message, pair.privateKey),
      nowMs: NOW_MS,
    });
    await enrolPeer({ joinLink: authority.joinLink(port), name: 'new', credential });
    const { csr, credential: sent } = enrolRequest.parse(bodies[0]);
    if (sent.kind !== 'recovery-proof') throw new Error('expected a recovery proof');
    const message = recoveryProofMessage({
      trustDomain: 'backup.example',
      csrDer: decodeBase64url(csr)!,
      madeAt: sent.madeAt,
    });
    expect(verify(null, message, pair.publicKey, decodeBase64url(sent.proof)!)).toBe(true);
  });

  it('passes on why the broker refuses', async () => {
    const port = await listen(await authority.issue('broker'), async () => ({
      status: 403,
      json: problemFrom(new ProtocolError('enrolment_key_invalid')),
    }));
    const enrolling = enrolPeer({ joinLink: authority.joinLink(port), name: 'laptop', credential: CREDENTIAL });
    await expect(enrolling).rejects.toMatchObject({ code: 'enrolment_key_invalid' });
  });
});

describe('first contact', () => {
  const enrol = (link: string): Promise<unknown> =>
    enrolPeer({ joinLink: link, name: 'laptop', credential: CREDENTIAL });

  it('says nothing to a broker under another CA', async () => {
    const stranger = await TestAuthority.create();
    const port = await listen(await stranger.issue('broker'), goodAnswer, stranger.caPem);
    await expect(enrol(authority.joinLink(port))).rejects.toMatchObject({ code: 'broker_untrusted' });
    expect(bodies).toEqual([]);
  });

  it('says nothing to one that shows our CA without a certificate from it', async () => {
    const stranger = await TestAuthority.create();
    const port = await listen(await stranger.issue('broker'));
    await expect(enrol(authority.joinLink(port))).rejects.toMatchObject({ code: 'broker_untrusted' });
    expect(bodies).toEqual([]);
  });

  it('says nothing to a peer that plays the broker', async () => {
    const port = await listen(await authority.issue(PEER_ID));
    await expect(enrol(authority.joinLink(port))).rejects.toMatchObject({ code: 'broker_untrusted' });
    expect(bodies).toEqual([]);
  });

  it('says nothing to a broker whose certificate has expired', async () => {
    const port = await listen(await authority.issue('broker', { notAfterMs: Date.now() - 60_000 }));
    await expect(enrol(authority.joinLink(port))).rejects.toMatchObject({ code: 'broker_untrusted' });
    expect(bodies).toEqual([]);
  });

  it('says nothing to a certificate with a second name of another broker', async () => {
    const names = ['spiffe://backup.example/broker', 'spiffe://other.example/broker'];
    const identity = await authority.issueNames(names.map((value) => ({ type: 'url' as const, value })));
    const port = await listen(identity);
    await expect(enrol(authority.joinLink(port))).rejects.toMatchObject({ code: 'broker_untrusted' });
    expect(bodies).toEqual([]);
  });

  it('tells an absent broker from a false one', async () => {
    const port = await listen(await authority.issue('broker'));
    await new Promise((resolve) => server?.close(resolve));
    server = null;
    await expect(enrol(authority.joinLink(port))).rejects.toMatchObject({ code: 'broker_unreachable' });
  });
});

describe('what the broker answers', () => {
  it.each<[string, (csrDer: Uint8Array) => Promise<Record<string, string>>]>([
    ['for another key', async () => ({ certificate: (await authority.issue(PEER_ID)).certificatePem })],
    [
      'for another peer',
      async (csrDer) => ({
        certificate: await authority.certify(csrDer, {
          trustDomain: 'backup.example',
          subject: uuidV7<PeerId>(NOW_MS, new Uint8Array(10).fill(9)),
        }),
      }),
    ],
    [
      'from another CA',
      async (csrDer) => ({
        certificate: await (await TestAuthority.create()).certify(csrDer, {
          trustDomain: 'backup.example',
          subject: PEER_ID,
        }),
      }),
    ],
    ['of another domain', async () => ({ trustDomain: 'other.example' })],
    ['that is none', async () => ({ certificate: 'none' })],
  ])('is refused with a certificate %s', async (_what, change) => {
    const port = await listen(await authority.issue('broker'), async (csrDer) => {
      const { status, json } = await goodAnswer(csrDer);
      return { status, json: { ...json, ...(await change(csrDer)) } };
    });
    const enrolling = enrolPeer({ joinLink: authority.joinLink(port), name: 'laptop', credential: CREDENTIAL });
    await expect(enrolling).rejects.toMatchObject({ code: 'answer_untrusted' });
  });
});
