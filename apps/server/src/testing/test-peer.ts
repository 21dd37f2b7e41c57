// A peer for tests of the broker: signs what it says, checks that answers are signed, and can act as a host.
import { createPrivateKey, type KeyObject, randomBytes, webcrypto } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import request, { type Response } from 'supertest';
import {
  type BeginPutAnswer,
  type ContentId,
  type Credit,
  decodeBase64url,
  type EnrolAnswer,
  type EnrolmentCredential,
  encodeBase64url,
  encodeReceipt,
  es256Signer,
  type ObjectId,
  type ObjectToPut,
  type PeerId,
  type ProblemDocument,
  type PutPermission,
  type ReceiptClaims,
  type ShardToPut,
  signRequest,
  TransactionKey,
  utf8,
  uuidV7,
  verifyAnswer,
} from '#protocol';
import type { BrokerFixture } from './broker-fixture.js';

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export interface Answer<T> {
  readonly status: number;
  readonly body: T;
  /** The code of a problem document; undefined for an answer that is none. */
  readonly code: string | undefined;
  readonly detail: string | undefined;
  readonly signed: boolean;
}

export interface MessageChanges {
  readonly key?: TransactionKey;
  readonly peerId?: PeerId;
  readonly createdMs?: number;
  readonly nonce?: Uint8Array;
  /** Sent in place of what was signed. */
  readonly sentBody?: string;
  readonly sentPath?: string;
  readonly unsigned?: boolean;
  /** Sent beside the signed ones. */
  readonly headers?: Readonly<Record<string, string>>;
}

export async function makeIdentity(): Promise<{ csr: string; csrDer: Uint8Array; privateKey: KeyObject }> {
  x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);
  const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({ name: 'CN=x', keys, signingAlgorithm: P256 });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const csrDer = new Uint8Array(csr.rawData);
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  return { csr: encodeBase64url(csrDer), csrDer, privateKey };
}

export class TestPeer {
  private constructor(
    private readonly fixture: BrokerFixture,
    readonly enrolled: EnrolAnswer,
    readonly identity: { readonly csr: string; readonly privateKey: KeyObject },
    public key: TransactionKey,
  ) {}

  get peerId(): PeerId {
    return this.enrolled.peerId;
  }

  /** Enrol with a fresh key, or with the credential given. */
  static async enrol(fixture: BrokerFixture, credential?: EnrolmentCredential): Promise<TestPeer> {
    const identity = await makeIdentity();
    const { key } = await fixture.broker.createEnrolmentKey();
    const answer = await enrol(fixture, {
      csr: identity.csr,
      credential: credential ?? { kind: 'enrolment-key', key },
    });
    if (answer.status !== 200) throw new Error(`enrolment failed: ${answer.code}`);
    const key1 = new TransactionKey(decodeBase64url(answer.body.transactionKey)!);
    return new TestPeer(fixture, answer.body, identity, key1);
  }

  /** Enrol an identity that has asked a person before. */
  static async enrolWith(
    fixture: BrokerFixture,
    identity: { readonly csr: string; readonly privateKey: KeyObject },
    credential: EnrolmentCredential,
  ): Promise<TestPeer> {
    const answer = await enrol(fixture, { csr: identity.csr, credential });
    if (answer.status !== 200) throw new Error(`enrolment failed: ${answer.code}`);
    return new TestPeer(
      fixture,
      answer.body,
      identity,
      new TransactionKey(decodeBase64url(answer.body.transactionKey)!),
    );
  }

  /** A peer that has announced itself as a host. */
  static async enrolHost(fixture: BrokerFixture, freeBytes = 1e9): Promise<TestPeer> {
    const host = await TestPeer.enrol(fixture);
    await host.announce(freeBytes);
    return host;
  }

  announce(
    freeBytes = 1e9,
    more: { readonly region?: string; readonly relayId?: PeerId } = {},
  ): Promise<Answer<{ address: { address: string; port: number } | null }>> {
    const offer = { listenPort: 4711, shareBytes: freeBytes, usedBytes: 0, freeBytes, ...more };
    return this.post('/v1/presence', { host: offer, program: 'test' });
  }

  /** The same on another port, with headers in which a proxy would say who asks. */
  announceVia(
    listenPort: number,
    headers: Readonly<Record<string, string>>,
  ): Promise<Answer<{ address: { address: string; port: number } | null; reachable: boolean | null }>> {
    const offer = { listenPort, shareBytes: 1e9, usedBytes: 0, freeBytes: 1e9 };
    return this.post('/v1/presence', { host: offer, program: 'test' }, { headers });
  }

  get<T>(path: string, changes: MessageChanges = {}): Promise<Answer<T>> {
    return this.send<T>('GET', path, null, changes);
  }

  post<T>(path: string, body: object, changes: MessageChanges = {}): Promise<Answer<T>> {
    return this.send<T>('POST', path, JSON.stringify(body), changes);
  }

  /** The host's receipt for a put, or a part of it changed. */
  receiptFor(put: Put, changes: Partial<ReceiptClaims> = {}): string {
    const { shard, permission } = put;
    const claims: ReceiptClaims = {
      trustDomain: this.enrolled.trustDomain,
      transactionId: permission.transactionId,
      op: 'put',
      hostId: this.peerId,
      clientId: put.clientId,
      items: [{ cid: shard.cid, sizeBytes: shard.sizeBytes, result: 'stored' }],
      timeMs: this.fixture.clock.nowMs(),
      ...changes,
    };
    return encodeReceipt(claims, es256Signer(this.identity.privateKey));
  }

  async report(reports: object[]): Promise<string[]> {
    const answer = await this.post<{ results: string[] }>('/v1/reports', { reports });
    if (answer.status !== 200) throw new Error(`reports refused: ${answer.code}`);
    return answer.body.results;
  }

  async credit(): Promise<Record<keyof Credit, number>> {
    const { body } = await this.get<{ credit: Credit }>('/v1/peers/me');
    const { available, reserved, used, withheld } = body.credit;
    return {
      available: Number(available),
      reserved: Number(reserved),
      used: Number(used),
      withheld: Number(withheld),
    };
  }

  private async send<T>(
    method: 'GET' | 'POST',
    path: string,
    body: string | null,
    changes: MessageChanges,
  ): Promise<Answer<T>> {
    const { fixture } = this;
    const signed = signRequest({
      method,
      targetUri: `${fixture.url}${path}`,
      body: utf8(body ?? ''),
      peerId: changes.peerId ?? this.peerId,
      key: changes.key ?? this.key,
      createdMs: changes.createdMs ?? fixture.clock.nowMs(),
      nonce: changes.nonce ?? randomBytes(16),
    });
    const to = request(fixture.url);
    const sentPath = changes.sentPath ?? path;
    let message = (method === 'GET' ? to.get(sentPath) : to.post(sentPath)).ca(await fixture.caPem());
    if (changes.unsigned !== true) message = message.set(signed.headers);
    if (changes.headers !== undefined) message = message.set(changes.headers);
    const sent = changes.sentBody ?? body;
    if (sent !== null) message = message.set('content-type', 'application/json').send(sent);
    const response = await message;
    let isSigned = false;
    if (response.headers.signature !== undefined) {
      verifyAnswer({
        status: response.status,
        headers: response.headers,
        body: utf8(response.text),
        request: signed,
        peerId: changes.peerId ?? this.peerId,
        key: changes.key ?? this.key,
      });
      isSigned = true;
    }
    return answerFrom<T>(response, isSigned);
  }
}

/** A shard that the broker permitted a client to put. */
export interface Put {
  readonly clientId: PeerId;
  readonly shard: ShardToPut;
  readonly permission: PutPermission;
}

export async function enrol(
  fixture: BrokerFixture,
  fields: { csr: string; credential: EnrolmentCredential; name?: string },
): Promise<Answer<EnrolAnswer>> {
  const response = await request(fixture.url)
    .post('/v1/enrolments')
    .ca(await fixture.caPem())
    .send({ name: 'box', ...fields });
  return answerFrom<EnrolAnswer>(response, false);
}

/** An object of random content ids, as a client would ask to put it. */
export function someObject(fixture: BrokerFixture, changes: Partial<ObjectToPut> = {}): ObjectToPut {
  const totalShards = changes.totalShards ?? 3;
  return {
    objectId: uuidV7<ObjectId>(fixture.clock.nowMs(), randomBytes(10)),
    kind: 'data',
    sizeBytes: 2_000,
    dataShards: 2,
    totalShards,
    shards: Array.from({ length: totalShards }, (_, index) => someShard(index)),
    avoid: [],
    ...changes,
  };
}

export function someShard(index: number, sizeBytes = 1_000): ShardToPut {
  return { index, cid: encodeBase64url(randomBytes(32)) as ContentId, sizeBytes };
}

/** Begin one put that must be allowed; the puts by index. */
export async function beginPut(client: TestPeer, object: ObjectToPut): Promise<Put[]> {
  const answer = await client.post<BeginPutAnswer>('/v1/puts', { objects: [object] });
  if (answer.status !== 200) throw new Error(`put refused: ${answer.code} ${answer.detail}`);
  return answer.body.objects[0]!.permissions.map((permission) => ({
    clientId: client.peerId,
    shard: object.shards.find(({ index }) => index === permission.index)!,
    permission,
  }));
}

export function readDataFile(fixture: BrokerFixture, name: string): Promise<Buffer> {
  return readFile(join(fixture.dataDir, name));
}

function answerFrom<T>(response: Response, signed: boolean): Answer<T> {
  const problem = response.body as Partial<ProblemDocument>;
  return {
    status: response.status,
    body: response.body as T,
    code: response.status === 200 ? undefined : problem.code,
    detail: response.status === 200 ? undefined : problem.detail,
    signed,
  };
}
