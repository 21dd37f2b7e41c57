// Batches with a host that lies: what came is checked item by item, and what it says of itself is believed only where it fits.
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLog } from '#process';
import {
  BATCH_POSITION_FIELD,
  type BatchFrameKind,
  concatBytes,
  contentIdOf,
  encodeFrameHead,
  encodeReceipt,
  es256Signer,
  ProtocolError,
  problemFrom,
  type ReceiptClaims,
  type TransactionId,
  utf8,
  uuidV7,
} from '#protocol';
import { TestAuthority, type TestIdentity } from '../../../test/authority.js';
import { HastyClock } from '../../../test/hasty-clock.js';
import { createHome, FIXTURE_TIME_MS, peerIdOf } from '../../../test/peer-fixture.js';
import { TlsHost, type TlsHostOptions } from '../../../test/tls-host.js';
import { BATCH_FRUITLESS_MAX } from './limits.js';
import { PeerLink } from './peer-link.js';

const CLIENT = peerIdOf(1);
const HOST = peerIdOf(2);
const TRANSACTION = uuidV7<TransactionId>(FIXTURE_TIME_MS, new Uint8Array(10).fill(3));
const SHARDS = [randomBytes(1_000), randomBytes(70_000), randomBytes(3)];
const ITEMS = SHARDS.map((bytes) => ({ cid: contentIdOf(bytes), sizeBytes: bytes.length }));

let authority: TestAuthority;
let hostIdentity: TestIdentity;
let link: PeerLink;
let host: TlsHost;

beforeEach(async () => {
  authority = await TestAuthority.create();
  hostIdentity = await authority.issue(HOST);
  const home = await createHome(authority, { peerId: CLIENT });
  link = new PeerLink({ home, clock: new HastyClock(15_000), log: openLog('test', 'silent') });
});

afterEach(async () => {
  await link.close();
  await host.stop();
});

async function start(answer: TlsHostOptions['answer']): Promise<void> {
  host = await TlsHost.start({ peerId: HOST, identity: hostIdentity, caPem: authority.caPem, answer });
}

function receiptOf(op: 'put' | 'get', results: readonly string[], change: Partial<ReceiptClaims> = {}): string {
  const claims: ReceiptClaims = {
    trustDomain: authority.trustDomain,
    transactionId: TRANSACTION,
    op,
    hostId: HOST,
    clientId: CLIENT,
    items: ITEMS.map((item, i) => ({ ...item, result: results[i]! })),
    timeMs: FIXTURE_TIME_MS,
    ...change,
  };
  return encodeReceipt(claims, es256Signer(hostIdentity.privateKeyPem));
}

const frame = (kind: BatchFrameKind, payload: Uint8Array = new Uint8Array()): Uint8Array =>
  concatBytes(encodeFrameHead(kind, payload.length), payload);
const whole = (bytes: Uint8Array): Uint8Array => concatBytes(frame('bytes', bytes), frame('whole'));

const sends =
  (...frames: Uint8Array[]) =>
  (request: IncomingMessage, response: ServerResponse): void => {
    request.resume();
    response.writeHead(200).end(concatBytes(...frames));
  };

const refuses =
  (error: ProtocolError) =>
  (request: IncomingMessage, response: ServerResponse): void => {
    request.resume();
    response.writeHead(error.status).end(JSON.stringify(problemFrom(error)));
  };

const batch = () => ({ host: host.address, token: 'v3.local.token', items: ITEMS, transactionId: TRANSACTION });
const put = () => link.putBatch({ ...batch(), bytesOf: (index) => SHARDS[index]! });

async function get() {
  const handed: number[] = [];
  const onItem = (index: number, bytes: Buffer): void => {
    expect(bytes.equals(SHARDS[index]!)).toBe(true);
    handed.push(index);
  };
  return { ...(await link.getBatch({ ...batch(), onItem })), handed };
}

describe('getting a batch', () => {
  it('hands on no item that has other bytes, and goes on with the next one', async () => {
    const other = randomBytes(SHARDS[1]!.length);
    const receipt = frame('receipt', utf8(receiptOf('get', ['served', 'served', 'served'])));
    await start(sends(whole(SHARDS[0]!), whole(other), whole(SHARDS[2]!), receipt));
    expect(await get()).toEqual({
      handed: [0, 2],
      results: ['served', 'shard_content_mismatch', 'served'],
      receipt: null,
    });
  });

  it('counts an item that ends too early as one that did not come', async () => {
    const receipt = frame('receipt', utf8(receiptOf('get', ['served', 'served', 'served'])));
    await start(sends(frame('whole'), whole(SHARDS[1]!.subarray(1)), whole(SHARDS[2]!), receipt));
    expect(await get()).toMatchObject({ handed: [2], results: ['shard_too_short', 'shard_too_short', 'served'] });
  });

  it('takes no byte more than an item has', async () => {
    await start(sends(frame('bytes', concatBytes(SHARDS[0]!, SHARDS[0]!))));
    await expect(get()).rejects.toMatchObject({ code: 'shard_too_long', facts: { hostId: HOST } });
    expect(host.requests).toBe(1);
  });

  it.each<[string, () => Uint8Array[]]>([
    [
      'a receipt before the last item',
      () => [frame('receipt', utf8(receiptOf('get', ['served', 'served', 'served'])))],
    ],
    ['more items than there are', () => [...SHARDS.map(whole), whole(SHARDS[0]!)]],
    ['a code that is not of an item', () => [frame('failed', utf8('credit_exceeded'))]],
    ['no frames', () => [randomBytes(3).fill(255), randomBytes(40)]],
    ['no receipt', () => SHARDS.map(whole)],
  ])('ends with a host that sends %s, after a bounded number of tries', async (_what, frames) => {
    await start((request, response) => sends(...frames())(request, response));
    await expect(get()).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:peer_unreachable|request_invalid)$/),
    });
    expect(host.requests).toBeLessThanOrEqual(2 * BATCH_FRUITLESS_MAX + 2);
  });

  it('goes on with the item after those that it has, and takes none of them twice', async () => {
    let requests = 0;
    const positions: unknown[] = [];
    await start((request, response) => {
      request.resume();
      positions.push(request.headers[BATCH_POSITION_FIELD]);
      if (requests++ === 0) {
        response
          .writeHead(200)
          .write(concatBytes(whole(SHARDS[0]!), frame('bytes', SHARDS[1]!.subarray(0, 100))), () => response.destroy());
      } else if (requests === 2) {
        // A host that lost what it knew, and begins with the first item.
        refuses(new ProtocolError('batch_position_wrong', { position: 0 }))(request, response);
      } else {
        const receipt = frame('receipt', utf8(receiptOf('get', ['served', 'served', 'served'])));
        response.writeHead(200).end(concatBytes(...SHARDS.map(whole), receipt));
      }
    });
    expect(await get()).toMatchObject({ handed: [0, 1, 2], receipt: expect.any(String) as unknown });
    expect(positions).toEqual(['0', '1', '0']);
  });
});

describe('putting a batch', () => {
  const answers =
    (receipt: string) =>
    (request: IncomingMessage, response: ServerResponse): void => {
      request.resume();
      request.on('end', () => response.writeHead(201).end(JSON.stringify({ receipt })));
    };

  it('believes no receipt for other items, another operation, or fewer of them', async () => {
    const stored = ['stored', 'stored', 'stored'];
    for (const receipt of [
      receiptOf('get', ['served', 'served', 'served']),
      receiptOf('put', stored, { items: ITEMS.slice(1).map((item) => ({ ...item, result: 'stored' })) }),
      receiptOf('put', stored, { items: [...ITEMS].reverse().map((item) => ({ ...item, result: 'stored' })) }),
      receiptOf('put', stored, { clientId: HOST }),
    ]) {
      await start(answers(receipt));
      await expect(put()).rejects.toMatchObject({ code: 'receipt_mismatch' });
      await host.stop();
    }
    await start(answers(receiptOf('put', ['stored', 'host_full', 'stored'])));
    expect((await put()).results).toEqual(['stored', 'host_full', 'stored']);
  });

  it.each([[-1], [4], [1.5], ['1']])('does not follow a host to position %s', async (position) => {
    await start(refuses(new ProtocolError('batch_position_wrong', { position })));
    await expect(put()).rejects.toMatchObject({ code: 'peer_unreachable' });
    expect(host.requests).toBe(1);
  });

  it('is not sent from place to place for ever', async () => {
    let requests = 0;
    await start((request, response) =>
      refuses(new ProtocolError('batch_position_wrong', { position: requests++ % 3 }))(request, response),
    );
    await expect(put()).rejects.toMatchObject({ code: 'batch_position_wrong' });
    expect(host.requests).toBeLessThan(4 * BATCH_FRUITLESS_MAX);
  });
});
