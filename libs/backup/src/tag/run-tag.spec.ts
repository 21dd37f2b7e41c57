// Tags change in an order that loses no snapshot, wherever it is cut off.
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type ListedObject, type ObjectId, ProtocolError } from '#protocol';
import { deriveDataKeys } from '../keys.js';
import type { SealedObject } from '../objects/object-builder.js';
import { objectKeyOf, openChunk } from '../objects/open-object.js';
import { EVERY_SNAPSHOT } from '../snapshots/filter-snapshots.js';
import type { StoredSnapshot } from '../snapshots/list-snapshots.js';
import { testSnapshot } from '../snapshots/testing-snapshots.js';
import { decodeSnapshot } from '../trees/snapshot-codec.js';
import { changeTags, runTag, type TagRequest, type TagSummary } from './run-tag.js';

const keys = deriveDataKeys(Buffer.alloc(32, 9));
const signal = new AbortController().signal;
const ADD: TagRequest = { set: null, add: ['new'], remove: [], ids: [], filter: EVERY_SNAPSHOT };

/** An account of snapshots; `failAt` is the step that fails, of all that are taken. */
class Account {
  readonly snapshots: StoredSnapshot[] = [];
  readonly steps: string[] = [];
  failAt = '';
  appendOnly = false;
  refusedReceipts = 0;

  private step(name: string): void {
    this.steps.push(name);
    if (name === this.failAt) throw new ProtocolError('broker_unreachable');
  }

  tag(request: TagRequest): Promise<TagSummary> {
    const account = this;
    const broker = { peerStatus: async () => ({ appendOnly: account.appendOnly }) as never };
    const parts = {
      keys,
      randomBytes,
      newObjectId: () => testSnapshot().id,
      cache: { storeObject: async () => undefined },
      uploader: {
        store: async (object: SealedObject) => {
          account.step('store');
          const key = objectKeyOf(keys, object.objectId, object.bytes);
          const snapshot = decodeSnapshot(openChunk(keys, key, Buffer.from(object.bytes), object.entries[0]!));
          account.snapshots.push({ id: object.objectId, snapshot });
          return { objectId: object.objectId, storedShards: 1, totalShards: 1, storedBytes: 1 };
        },
      },
      broker,
      outbox: {
        flush: async () => account.step('flush'),
        get refusedReceipts() {
          return account.refusedReceipts;
        },
      },
      deleter: {
        delete: async (ids: readonly ObjectId[]) => {
          account.step('delete');
          const left = account.snapshots.filter(({ id }) => !ids.includes(id));
          account.snapshots.splice(0, account.snapshots.length, ...left);
          return { deleted: [...ids], retained: [], pending: [] };
        },
      },
    };
    const listed = this.snapshots.map(({ id }) => ({ objectId: id, kind: 'snapshot' }) as ListedObject);
    return runTag(parts, { snapshots: [...this.snapshots], listed }, { ...request, signal });
  }
}

describe('changeTags', () => {
  it.each<[string, Partial<TagRequest>, string[]]>([
    ['adds what is not there', { add: ['b', 'c', 'c'] }, ['a', 'b', 'c']],
    ['removes what is there', { remove: ['a', 'x'] }, ['b']],
    ['removes last', { add: ['c'], remove: ['c'] }, ['a', 'b']],
    ['sets', { set: ['z', 'z'] }, ['z']],
    ['sets none', { set: [] }, []],
  ])('%s', (_what, change, expected) => {
    expect(changeTags(['a', 'b'], { set: null, add: [], remove: [], ...change })).toEqual(expected);
  });
});

describe('runTag', () => {
  it('stores the new, tells the broker, and only then deletes the old', async () => {
    const account = new Account();
    const [first, second] = [testSnapshot(), testSnapshot({ tags: ['new'] })];
    account.snapshots.push(first, second);
    const { changed } = await account.tag(ADD);
    expect(changed.map(({ oldId }) => oldId)).toEqual([first.id]);
    expect(account.steps).toEqual(['store', 'flush', 'delete']);
    expect(account.snapshots.map(({ snapshot }) => [snapshot.tags, snapshot.original])).toEqual([
      [['new'], undefined],
      [['new'], first.id],
    ]);
  });

  it.each(['store', 'flush', 'delete'])(
    'loses nothing when it fails at: %s, and the next run tidies up',
    async (step) => {
      const account = new Account();
      account.snapshots.push(testSnapshot(), testSnapshot());
      account.failAt = step;
      await expect(account.tag(ADD)).rejects.toMatchObject({ code: 'broker_unreachable' });
      expect(account.snapshots.length).toBeGreaterThanOrEqual(2);
      account.failAt = '';
      await account.tag(ADD);
      expect(account.snapshots.map(({ snapshot }) => snapshot.tags)).toEqual([['new'], ['new']]);
    },
  );

  it('deletes nothing while the broker has not taken a receipt of the new', async () => {
    const account = new Account();
    account.snapshots.push(testSnapshot());
    account.refusedReceipts = 1;
    await expect(account.tag(ADD)).rejects.toMatchObject({ code: 'receipt_invalid' });
    expect(account.steps).not.toContain('delete');
  });

  it('stores nothing on a machine that may not delete, or with tags that no snapshot can have', async () => {
    const account = new Account();
    account.snapshots.push(testSnapshot());
    account.appendOnly = true;
    await expect(account.tag(ADD)).rejects.toMatchObject({ code: 'peer_append_only' });
    account.appendOnly = false;
    await expect(account.tag({ ...ADD, add: ['x'.repeat(256)] })).rejects.toMatchObject({ code: 'usage' });
    expect(account.steps).toEqual([]);
  });

  it('takes no snapshot for the new one of another that says anything else than it, root above all', async () => {
    const account = new Account();
    const good = testSnapshot({ tags: ['new'] });
    const forged = [{ root: ['B'.repeat(43)] }, { paths: ['/'] }, { time: '2026-11-20T08:00:00.001Z' }].map((more) =>
      testSnapshot({ tags: ['new'], original: good.id, ...more }),
    );
    account.snapshots.push(good, ...forged);
    await account.tag(ADD);
    expect(account.steps).toEqual([]);
    expect(account.snapshots).toContain(good);
  });

  it('deletes what a cut off run left only when it is asked for that snapshot', async () => {
    const account = new Account();
    const old = testSnapshot();
    const stands = testSnapshot({ tags: ['new'], original: old.id });
    const asked = testSnapshot({ hostname: 'other' });
    account.snapshots.push(old, stands, asked);
    await account.tag({ ...ADD, ids: [asked.id] });
    expect(account.snapshots).toContain(old);
    await account.tag({ ...ADD, ids: [old.id] });
    expect(account.snapshots).not.toContain(old);
    expect(account.snapshots).toContain(stands);
  });
});
