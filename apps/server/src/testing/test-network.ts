// A client and its hosts at one real broker, for tests of transactions: what they sign, report and are left with.
import { randomBytes } from 'node:crypto';
import type { Log } from '#process';
import {
  type ContentId,
  encodeBase64url,
  encodeReceipt,
  es256Signer,
  formatTime,
  type PeerId,
  type PutBatch,
  type ReceiptClaims,
  type ReceiptItem,
  type ShardToPut,
  type TransactionId,
  type VerifiedToken,
  verifyToken,
} from '#protocol';
import { BrokerFixture } from './broker-fixture.js';
import { beginPut, type Put, someObject, TestPeer } from './test-peer.js';

export const OPENING_CREDIT = 1_000_000;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

export class TestNetwork {
  private constructor(
    readonly fixture: BrokerFixture,
    readonly client: TestPeer,
    readonly hosts: readonly TestPeer[],
  ) {}

  static async create({
    hosts = 3,
    policy = {},
    log,
  }: {
    hosts?: number;
    policy?: object;
    log?: Log;
  } = {}): Promise<TestNetwork> {
    const fixture = await BrokerFixture.start({ openingCreditBytes: OPENING_CREDIT, ...policy }, {}, log);
    const client = await TestPeer.enrol(fixture);
    const all: TestPeer[] = [];
    for (let i = 0; i < hosts; i++) all.push(await TestPeer.enrolHost(fixture));
    return new TestNetwork(fixture, client, all);
  }

  host(peerId: PeerId): TestPeer {
    const host = this.hosts.find((candidate) => candidate.peerId === peerId);
    if (host === undefined) throw new Error('no host of this network');
    return host;
  }

  get nowMs(): number {
    return this.fixture.clock.nowMs();
  }

  /** A receipt that `host` signs for `client`, or with other claims. */
  receipt(
    host: TestPeer,
    claims: Pick<ReceiptClaims, 'transactionId' | 'op' | 'items'> & Partial<ReceiptClaims>,
  ): string {
    return encodeReceipt(
      {
        trustDomain: this.fixture.broker.trustDomain,
        hostId: host.peerId,
        clientId: this.client.peerId,
        timeMs: this.nowMs,
        ...claims,
      },
      es256Signer(host.identity.privateKey),
    );
  }

  /** The report that an item, or several, were put, with the receipt of their host. */
  done(
    host: TestPeer,
    transactionId: TransactionId,
    op: ReceiptClaims['op'],
    items: readonly ReceiptItem[],
    more: { use?: number; object?: object; clientId?: PeerId } = {},
  ): { outcome: 'done'; transactionId: TransactionId; receipt: string; object?: object } {
    const { use, object, clientId } = more;
    const claims = { transactionId, op, items, ...(use === undefined ? {} : { use }) };
    const receipt = this.receipt(host, clientId === undefined ? claims : { ...claims, clientId });
    return { outcome: 'done', transactionId, receipt, ...(object === undefined ? {} : { object }) };
  }

  failed(transactionId: TransactionId, code = 'peer_unreachable', more: object = {}): object {
    return { outcome: 'failed', transactionId, code, at: formatTime(this.nowMs), ...more };
  }

  /** What both ends of a put report when it happened. */
  doneOf(put: Put): ReturnType<TestNetwork['done']> {
    const { cid, sizeBytes } = put.shard;
    const items = [{ cid, sizeBytes, result: 'stored' }];
    return this.done(this.host(put.permission.host.peerId), put.permission.transactionId, 'put', items);
  }

  /** An object that is stored, both ends having said so; its puts. */
  async store(
    changes: Parameters<typeof someObject>[1] = {},
  ): Promise<{ object: ReturnType<typeof someObject>; puts: Put[] }> {
    const object = someObject(this.fixture, changes);
    const puts = await beginPut(this.client, object);
    for (const put of puts) {
      const report = this.doneOf(put);
      await this.host(put.permission.host.peerId).report([report]);
      await this.client.report([report]);
    }
    return { object, puts };
  }

  /** What the host reads in a token; throws the code with which it would refuse it. */
  read(
    token: string,
    host: TestPeer,
    asked: { op: Parameters<typeof verifyToken>[1]['op']; cid?: ContentId },
  ): VerifiedToken {
    return verifyToken(token, {
      keyOf: (kid) => (kid === host.key.kid ? host.key : undefined),
      trustDomain: this.fixture.broker.trustDomain,
      hostId: host.peerId,
      clientId: this.client.peerId,
      op: asked.op,
      cid: asked.cid ?? null,
      nowMs: this.nowMs,
    });
  }

  /** Let the time of all tokens and first reports pass, and the broker end what is left. */
  async endAll(afterMs = DAY_MS + 11 * MINUTE_MS): Promise<void> {
    this.fixture.clock.advance(afterMs);
    await this.fixture.broker.endExpiredNow();
    for (const host of this.hosts) await host.announce();
  }

  async remove(): Promise<void> {
    const faults = await this.fixture.broker.checkLedger();
    await this.fixture.remove();
    if (faults.length > 0) throw new Error(faults.join('; '));
  }
}

/** Content that nobody has put before. */
export function someContent(sizeBytes = 1_000): { cid: ContentId; sizeBytes: number } {
  return { cid: encodeBase64url(randomBytes(32)) as ContentId, sizeBytes };
}

/** The shards of a batch, in its order. */
export function shardsOfBatch(
  batch: Pick<PutBatch, 'items'>,
  objects: readonly { objectId: string; shards: readonly ShardToPut[] }[],
): ShardToPut[] {
  return batch.items.map(({ objectId, index }) => {
    const object = objects.find((candidate) => candidate.objectId === objectId)!;
    return object.shards.find((shard) => shard.index === index)!;
  });
}
