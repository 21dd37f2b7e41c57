// Shards that are brought to hosts again are those that the broker knows, whichever version of ours stored them.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Filling } from '#erasure';
import {
  type ContentId,
  type ListedObject,
  type ObjectId,
  type PeerId,
  ProtocolError,
  type TransactionId,
  uuidV7,
} from '#protocol';
import { codeObject } from '../put/code-object.js';
import { ReportOutbox } from '../put/report-outbox.js';
import { type MenderPorts, ShardMender } from './shard-mender.js';

const CODE = { dataShards: 4, totalShards: 6 };
// No multiple of four lines: the last data shard is filled.
const BYTES = Buffer.from(Array.from({ length: 700 }, (_, i) => (i * 7) % 251));

const idOf = <T extends string>(number: number): T => uuidV7<T & ObjectId>(1_000, new Uint8Array(10).fill(number)) as T;

const object: ListedObject = {
  objectId: idOf<ObjectId>(1),
  kind: 'data',
  sizeBytes: BYTES.length,
  ...CODE,
  storedShards: 4,
  createdAt: '2026-01-01T00:00:00.000Z',
};

/** A broker that knows the object as it was stored with this filling, and hosts that take what they are sent. */
async function networkOf(filling: Filling) {
  const sealed = { objectId: object.objectId, kind: object.kind, bytes: BYTES, entries: [] };
  const stored = codeObject(sealed, CODE, undefined, filling);
  const sent = new Map<ContentId, Uint8Array>();
  const broker: MenderPorts['broker'] = {
    beginPut: async ({ objects }) => {
      const { shards } = objects[0]!;
      if (shards.some(({ index, cid }) => stored.shards[index]!.cid !== cid))
        throw new ProtocolError('object_conflict');
      const permissions = shards.map(({ index }) => ({
        index,
        transactionId: idOf<TransactionId>(10 + index),
        token: 'token',
        host: { peerId: idOf<PeerId>(20 + index), address: '127.0.0.1', port: 1 },
      }));
      const answer = { objectId: object.objectId, safeShards: 5, permissions, unplaced: [] };
      return { objects: [answer], universalOffered: false };
    },
  };
  const hosts: MenderPorts['hosts'] = {
    putShard: async ({ cid, bytes }) => {
      sent.set(cid, Uint8Array.from(bytes));
      return { receipt: 'receipt', firstTime: true };
    },
  };
  const path = join(await mkdtemp(join(tmpdir(), 'peerkeep-mender-')), 'reports.jsonl');
  const outbox = await ReportOutbox.open(path, {} as never);
  onTestFinished(() => outbox.close());
  const mender = new ShardMender({ broker, hosts, outbox, nowMs: () => 0, onEvent: () => undefined });
  return { mender, stored, sent };
}

describe('ShardMender', () => {
  it.each<Filling>(['own', 'zeros'])(
    'sends the shards of an object that was stored with filling %s',
    async (filling) => {
      const { mender, stored, sent } = await networkOf(filling);
      const faults = [2, 3, 5].map((index) => ({ index, peerId: null, state: 'unplaced' as const }));
      const mended = await mender.mend(object, BYTES, faults as never, new AbortController().signal);
      expect(mended).toMatchObject({ storedShards: 3, leftShards: 0 });
      expect([...sent.keys()].sort()).toEqual([2, 3, 5].map((index) => stored.shards[index]!.cid).sort());
      for (const index of [2, 3, 5])
        expect(sent.get(stored.shards[index]!.cid)).toEqual(Uint8Array.from(stored.bytes[index]!));
    },
  );

  it('is refused with object_conflict when the broker knows other bytes', async () => {
    const { mender } = await networkOf('own');
    const faults = [{ index: 5, peerId: null, state: 'unplaced' as const }];
    const other = Buffer.from(BYTES).fill(1);
    const mending = mender.mend(object, other, faults as never, new AbortController().signal);
    await expect(mending).rejects.toMatchObject({ code: 'object_conflict' });
  });
});
