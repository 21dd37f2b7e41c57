// What stands for something that is to be deleted is had before: against hosts that are gone, and a machine in wrong hands.
import { describe, expect, it } from 'vitest';
import type { ObjectId, PeerId } from '#protocol';
import { isLossOfData } from '../get/loss-of-data.js';
import type { StoredChunks } from './account-store.js';
import { publishNotice } from './notices.js';
import { PROOF_ROUNDS_MAX } from './prune-limits.js';
import { publishIndex } from './repack.js';
import { type PruneSummary, runPrune } from './run-prune.js';
import { Seeded } from './testing/seeded.js';
import { simulateBackup } from './testing/simulated-backup.js';
import {
  atOnce,
  type Blindness,
  chunkIdOf,
  SimulatedBroker,
  SimulatedMachine,
  type SimulatedObject,
} from './testing/simulated-broker.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const TEXT = 'the only text';
const signal = new AbortController().signal;
const peer = (number: number) => `01900000-0000-7000-8000-00000000000${number}` as PeerId;

class Account {
  readonly broker = new SimulatedBroker(new Seeded(1), 1_795_000_000_000);

  machine(blind: Blindness = {}): SimulatedMachine {
    return new SimulatedMachine(this.broker, 0, { unreachable: 0 }, blind, atOnce);
  }

  /** Backs up the text, and returns the object in which it lies. */
  async backUp(): Promise<SimulatedObject> {
    await simulateBackup(this.machine(), { machineId: peer(1), unpublished: [] }, new Map([['a', TEXT]]), { signal });
    this.broker.nowMs += 60_000;
    return this.holders()[0]!;
  }

  async prune(blind: Blindness = {}, percent = 0): Promise<PruneSummary> {
    const bounds = { maxUnused: { percent }, repackBytesMax: null, smallBytesMax: null };
    const how = { dryRun: false, signal, onEvent: () => undefined };
    const request = { graceMs: HOUR_MS, minAgeMs: 0, ...bounds, ...how };
    const summary = await runPrune({ store: this.machine(blind), machineId: peer(7) }, request);
    this.broker.nowMs += 2 * HOUR_MS;
    return summary;
  }

  /** Objects that truly hold the text. */
  holders(): SimulatedObject[] {
    const id = chunkIdOf(Buffer.from(TEXT));
    return this.broker.inOrder.filter(
      ({ kind, plaintexts }) => kind === 'data' && plaintexts.some((plaintext) => chunkIdOf(plaintext).equals(id)),
    );
  }

  /** Those of them that can be had. */
  get saved(): ObjectId[] {
    return this.holders()
      .map(({ objectId }) => objectId)
      .filter((objectId) => !this.broker.away.has(objectId));
  }

  /** A machine in wrong hands that may add, and has the master key, says that an object of its own has what this has. */
  async forgeWitness({ objectId, kind, entries }: StoredChunks, clockErrorMs = 0): Promise<ObjectId> {
    const thief = new SimulatedMachine(this.broker, clockErrorMs, { unreachable: 0 }, {}, atOnce);
    const garbage = entries.map(({ rawBytes }) => Buffer.alloc(rawBytes, `not ${objectId}`));
    const stored = await thief.store(kind, garbage);
    await publishIndex(thief, [{ objectId: stored.objectId, kind, entries }], signal);
    return stored.objectId;
  }

  /** It says that an object of others holds something else. */
  async forgeDirectory({ objectId, kind, plaintexts }: SimulatedObject, clockErrorMs: number): Promise<void> {
    const thief = new SimulatedMachine(this.broker, clockErrorMs, { unreachable: 0 }, {}, atOnce);
    const others = plaintexts.map((plaintext) => Buffer.alloc(plaintext.length, 'x'));
    const { entries } = await thief.store(kind, others);
    await publishIndex(thief, [{ objectId, kind, entries }], signal);
  }

  /** It may mark as well, without any grace. */
  async mark(...objects: ObjectId[]): Promise<void> {
    await publishNotice(this.machine(), { notice: 'mark', machineId: peer(2), graceMs: 0, objects }, signal);
    this.broker.nowMs += 1;
  }
}

describe('an object that lost its hosts and is listed still, and its chunk that `repair` stored again', () => {
  async function repaired(): Promise<{ account: Account; lost: ObjectId; again: ObjectId }> {
    const account = new Account();
    const { objectId: lost } = await account.backUp();
    account.broker.away.add(lost);
    const machine = account.machine();
    const again = await machine.store('data', [Buffer.from(TEXT)]);
    await publishIndex(machine, [again], signal);
    account.broker.nowMs += 60_000;
    return { account, lost, again: again.objectId };
  }

  it('the new object stays, and the lost one goes', async () => {
    const { account, lost, again } = await repaired();
    for (let prunes = 0; prunes < 3; prunes++) await account.prune();
    expect(account.saved).toEqual([again]);
    expect(account.broker.listed.has(lost)).toBe(false);
  });

  it('is copied out of the new one where that was marked while the lost one could be had', async () => {
    const { account, lost } = await repaired();
    account.broker.away.delete(lost);
    await account.prune();
    account.broker.away.add(lost);
    await account.prune();
    expect(account.saved.length).toBeGreaterThan(0);
    await account.prune();
    expect(account.saved.length).toBeGreaterThan(0);
  });

  it('without the question: the new object is deleted', async () => {
    const { account } = await repaired();
    for (let prunes = 0; prunes < 3; prunes++) await account.prune({ proof: true });
    expect(account.saved).toEqual([]);
  });
});

describe('a forged index that names garbage as holder of what is wanted', () => {
  async function attacked(clockErrorMs: number): Promise<Account> {
    const account = new Account();
    const wanted = await account.backUp();
    await account.forgeWitness(wanted, clockErrorMs);
    await account.mark(wanted.objectId);
    return account;
  }

  // A thief chooses its ids, and so whose index is read first.
  it.each([-DAY_MS, 0])('and a mark without grace: the text is kept (clock %i)', async (clockErrorMs) => {
    const account = await attacked(clockErrorMs);
    for (let prunes = 0; prunes < 4; prunes++) {
      await account.prune();
      expect(account.saved.length).toBeGreaterThan(0);
    }
    expect(account.saved).toHaveLength(1);
  });

  it('without the reading: the text is lost', async () => {
    const account = await attacked(0);
    await account.prune({ proof: true });
    expect(account.saved).toEqual([]);
  });

  it('and is read first, without any mark: the true object is not marked', async () => {
    const account = new Account();
    const wanted = await account.backUp();
    await account.forgeWitness(wanted, -DAY_MS);
    for (let prunes = 0; prunes < 3; prunes++) await account.prune();
    expect(account.saved).toEqual([wanted.objectId]);
  });

  it('and is marked itself: the text is copied out of the other marked object', async () => {
    const account = new Account();
    const wanted = await account.backUp();
    await account.mark(await account.forgeWitness(wanted, -DAY_MS), wanted.objectId);
    for (let prunes = 0; prunes < 3; prunes++) await account.prune();
    expect(account.saved).toHaveLength(1);
  });

  it('in more objects than a prune examines one after another: all wait', async () => {
    const account = new Account();
    const wanted = await account.backUp();
    for (let i = 0; i <= PROOF_ROUNDS_MAX; i++) await account.forgeWitness(wanted, -DAY_MS);
    await account.mark(wanted.objectId);
    expect((await account.prune()).deleted.objects).toBe(0);
    expect(account.saved).toEqual([wanted.objectId]);
  });
});

describe('a forged index that names an object of others, with something else in it', () => {
  it.each([-DAY_MS, DAY_MS])('has no say: the object itself is asked (clock %i)', async (clockErrorMs) => {
    const account = new Account();
    const wanted = await account.backUp();
    await account.forgeDirectory(wanted, clockErrorMs);
    await account.mark(wanted.objectId);
    for (let prunes = 0; prunes < 3; prunes++) await account.prune();
    expect(account.saved.length).toBeGreaterThan(0);
  });
});

describe('random lives of an account beside a machine in wrong hands', () => {
  const LIVES = 40;

  /** Honest backups, then forged witnesses and directories, marks of anything, lost objects, and prunes in between. */
  async function live(seed: number, blind: Blindness): Promise<string[]> {
    const account = new Account();
    const { broker } = account;
    const random = new Seeded(seed);
    const wanted = new Set<string>();
    for (let backups = 0; backups < 3; backups++) {
      const files = new Map(
        Array.from({ length: 4 }, (_, i) => [`file-${i}`, `text ${random.below(9)} ${i}`] as const),
      );
      const disk = { machineId: peer(1), unpublished: [] };
      const id = await simulateBackup(account.machine(), disk, files, { signal });
      broker.nowMs += 60_000;
      if (random.chance(0.3)) broker.delete(id!);
      else for (const text of files.values()) wanted.add(text);
    }
    for (let acts = 0; acts < 10; acts++) {
      const content = broker.inOrder.filter(({ kind }) => kind === 'data' || kind === 'tree');
      const one = random.pick(content);
      const clockErrorMs = random.pick([-DAY_MS, 0, DAY_MS]);
      const act = random.below(5);
      if (act === 0) await account.forgeWitness(one, clockErrorMs);
      else if (act === 1) await account.forgeDirectory(one, clockErrorMs);
      else if (act === 2) await account.mark(one.objectId);
      else if (act === 3 && one.kind === 'data' && !broker.away.has(one.objectId)) {
        // It is lost, and what it truly holds was stored again.
        const machine = account.machine();
        await publishIndex(machine, [await machine.store('data', one.plaintexts)], signal);
        broker.away.add(one.objectId);
      } else {
        await account.prune(blind).catch((error: unknown) => {
          if (!isLossOfData(error)) throw error;
        });
      }
    }
    const had = new Set(
      broker.inOrder
        .filter(({ objectId }) => !broker.away.has(objectId))
        .flatMap(({ plaintexts }) => plaintexts.map((plaintext) => plaintext.toString())),
    );
    return [...wanted].filter((text) => !had.has(text));
  }

  it(`every text that a snapshot needs can be had after each of ${LIVES}`, async () => {
    for (let seed = 1; seed <= LIVES; seed++) expect({ seed, lost: await live(seed, {}) }).toEqual({ seed, lost: [] });
  });

  it('without the proof: some are lost', async () => {
    let lives = 0;
    for (let seed = 1; seed <= LIVES; seed++) if ((await live(seed, { proof: true })).length > 0) lives++;
    expect(lives).toBeGreaterThan(0);
  });
});

describe('a notice that cannot be had', () => {
  it('is not deleted, and nothing is deleted for which another object would stand', async () => {
    const account = new Account();
    const wanted = await account.backUp();
    const machine = account.machine();
    await publishIndex(machine, [await machine.store('data', [Buffer.from(TEXT)])], signal);
    await account.mark(wanted.objectId);
    const [notice] = account.broker.inOrder.filter(({ kind }) => kind === 'notice');
    // Another one says the same, so that the object is known to be marked.
    await account.mark(wanted.objectId);
    account.broker.away.add(notice!.objectId);
    account.broker.nowMs += 31 * DAY_MS;
    expect((await account.prune()).deleted.objects).toBe(0);
    expect(account.broker.listed.has(notice!.objectId)).toBe(true);
    account.broker.away.delete(notice!.objectId);
    expect((await account.prune()).deleted.objects).toBe(1);
    expect(account.saved).toHaveLength(1);
  });

  it('is deleted when it could be had and is no notice: nobody acts on it', async () => {
    const account = new Account();
    await account.backUp();
    const machine = account.machine();
    const { objectId } = await machine.store('notice', [Buffer.from('no notice')]);
    await machine.settle();
    await expect(account.prune()).rejects.toMatchObject({ code: 'snapshot_damaged' });
    account.broker.nowMs += 31 * DAY_MS;
    await account.prune();
    expect(account.broker.listed.has(objectId)).toBe(false);
  });
});
