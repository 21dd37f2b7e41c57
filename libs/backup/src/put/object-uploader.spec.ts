// How an object finds its hosts: replacements for those that fail, a new code when the policy changes, enough or an error.
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '#process';
import { type ErrorCode, type ObjectId, ProtocolError, uuidV7 } from '#protocol';
import { freshFolder } from '../files/testing-folders.js';
import type { EngineEvent } from '../ports.js';
import { ObjectUploader } from './object-uploader.js';
import { ReportOutbox } from './report-outbox.js';
import { TestNetwork } from './testing-network.js';

const OBJECT = {
  objectId: uuidV7<ObjectId>(1_000, new Uint8Array(10)),
  kind: 'data',
  bytes: Buffer.alloc(10_000, 7),
  entries: [],
} as const;
const SIGNAL = new AbortController().signal;

let folder: ReturnType<typeof freshFolder>;
let outbox: ReportOutbox;
let events: EngineEvent[];
beforeEach(async () => {
  folder = freshFolder();
  events = [];
});
afterEach(async () => {
  await outbox.close();
  folder.remove();
});

async function uploaderOn(network: TestNetwork): Promise<ObjectUploader> {
  outbox = await ReportOutbox.open(join(folder.path, 'reports.jsonl'), network.broker);
  const { broker, hosts } = network;
  return new ObjectUploader({
    broker,
    hosts,
    outbox,
    clock: new FakeClock(0),
    nowMs: () => 0,
    onEvent: (event) => events.push(event),
  });
}

const failures = (): unknown[] => events.filter(({ kind }) => kind === 'host-failed');

async function refusalOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'accepted',
    (error: unknown) => (error instanceof ProtocolError ? error.code : Promise.reject(error)),
  );
}

describe('ObjectUploader.store', () => {
  it('puts each shard on a host of its own, and keeps their receipts', async () => {
    const network = new TestNetwork(3);
    const uploader = await uploaderOn(network);
    expect(await uploader.store(OBJECT, SIGNAL)).toMatchObject({ storedShards: 3, totalShards: 3 });
    expect(network.stored.map(({ index }) => index).sort()).toEqual([0, 1, 2]);
    expect(uploader.hosts.size).toBe(3);
    expect(outbox.size).toBe(3);
    expect(events).toEqual([]);
  });

  it('asks again for what is missing only, avoiding the host that failed', async () => {
    const network = new TestNetwork(4);
    network.refusals.set(1, 'peer_unreachable');
    const uploader = await uploaderOn(network);
    expect(await uploader.store(OBJECT, SIGNAL)).toMatchObject({ storedShards: 3 });
    expect(network.begun.map(({ shards, avoid }) => [shards.length, avoid])).toEqual([
      [3, []],
      [1, [network.peerOf(1)]],
    ]);
    expect(failures()).toEqual([{ kind: 'host-failed', peerId: network.peerOf(1), code: 'peer_unreachable' }]);
    // A report for every transaction: three that were done and one that failed.
    expect(outbox.size).toBe(4);
  });

  it('goes back to a host that only restarted: its next token is good', async () => {
    const network = new TestNetwork(3);
    network.refusals.set(2, 'token_predates_restart');
    network.onBeginPut = async () => {
      if (network.begun.length === 2) network.refusals.delete(2);
    };
    expect(await (await uploaderOn(network)).store(OBJECT, SIGNAL)).toMatchObject({ storedShards: 3 });
    expect(network.begun[1]!.avoid).toEqual([]);
  });

  it('gives up after a few rounds with hosts that refuse for ever', async () => {
    const network = new TestNetwork(3);
    network.refusals.set(0, 'token_predates_restart');
    expect(await refusalOf((await uploaderOn(network)).store(OBJECT, SIGNAL))).toBe('not_enough_hosts');
    expect(network.begun.length).toBeLessThanOrEqual(6);
  });

  it('is content when the object is safe, though not complete, and says so', async () => {
    const network = new TestNetwork(3);
    network.code = { dataShards: 2, totalShards: 3, safeShards: 2 };
    network.refusals.set(0, 'host_full');
    expect(await (await uploaderOn(network)).store(OBJECT, SIGNAL)).toMatchObject({ storedShards: 2, totalShards: 3 });
    expect(events.at(-1)).toMatchObject({ kind: 'warning', code: 'not_enough_hosts' });
  });

  it('codes the object anew when the policy has changed meanwhile', async () => {
    const network = new TestNetwork(5);
    const uploader = await uploaderOn(network);
    await uploader.store(OBJECT, SIGNAL);
    network.code = { dataShards: 3, totalShards: 5, safeShards: 4 };
    const next = { ...OBJECT, objectId: uuidV7<ObjectId>(2_000, new Uint8Array(10)) };
    expect(await uploader.store(next, SIGNAL)).toMatchObject({ storedShards: 5, totalShards: 5 });
  });

  it('does not follow a policy that changes for ever', async () => {
    const network = new TestNetwork(5);
    network.onBeginPut = async () => {
      throw new ProtocolError('redundancy_changed');
    };
    expect(await refusalOf((await uploaderOn(network)).store(OBJECT, SIGNAL))).toBe('redundancy_changed');
    expect(network.begun).toHaveLength(4);
  });

  it.each<ErrorCode>(['broker_unreachable', 'credit_exceeded', 'not_enough_hosts'])(
    'passes on %s of the first question',
    async (code) => {
      const network = new TestNetwork(3);
      network.onBeginPut = async () => {
        throw new ProtocolError(code);
      };
      expect(await refusalOf((await uploaderOn(network)).store(OBJECT, SIGNAL))).toBe(code);
      expect(network.stored).toEqual([]);
    },
  );

  it('ends as interrupted when it is stopped between the answer and the hosts, and blames no host for it', async () => {
    const network = new TestNetwork(3);
    const stop = new AbortController();
    network.onBeginPut = async () => stop.abort();
    expect(await refusalOf((await uploaderOn(network)).store(OBJECT, stop.signal))).toBe('interrupted');
    expect(network.stored).toEqual([]);
    expect(outbox.size).toBe(0);
  });

  it('believes no broker that calls fewer shards safe than the object needs', async () => {
    const network = new TestNetwork(3);
    const honest = network.broker.beginPut;
    const uploader = await uploaderOn(network);
    network.broker.beginPut = async (request) => {
      const answer = await honest(request);
      return { objects: [{ ...answer.objects[0]!, safeShards: request.objects[0]!.dataShards - 1 }] };
    };
    expect(await refusalOf(uploader.store(OBJECT, SIGNAL))).toBe('answer_untrusted');
    expect(network.stored).toEqual([]);
  });

  it('believes no answer about another object', async () => {
    const network = new TestNetwork(3);
    const honest = network.broker.beginPut;
    const uploader = await uploaderOn(network);
    network.broker.beginPut = async (request) => {
      const answer = await honest(request);
      return { objects: [{ ...answer.objects[0]!, objectId: uuidV7<ObjectId>(3_000, new Uint8Array(10)) }] };
    };
    expect(await refusalOf(uploader.store(OBJECT, SIGNAL))).toBe('answer_untrusted');
    expect(network.stored).toEqual([]);
  });
});
