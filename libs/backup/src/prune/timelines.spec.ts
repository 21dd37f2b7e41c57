// Single timelines of backups and prunes, told step by step: each shows a rule at work, and what is lost without it.
import { describe, expect, it } from 'vitest';
import type { ObjectId, PeerId } from '#protocol';
import type { PruneSummary } from './run-prune.js';
import { runPrune } from './run-prune.js';
import { Seeded } from './testing/seeded.js';
import { type BackupRules, type MachineDisk, simulateBackup } from './testing/simulated-backup.js';
import { type Blindness, chunkIdOf, SimulatedBroker, SimulatedMachine } from './testing/simulated-broker.js';

const HOUR_MS = 3_600_000;
const signal = new AbortController().signal;

/** What is to happen before a request of this name, or of this first word, is sent: once. */
type Meanwhile = Readonly<Record<string, () => Promise<unknown>>>;

class Account {
  readonly broker = new SimulatedBroker(new Seeded(1), 1_795_000_000_000);

  private backups = 0;

  pass(ms: number): void {
    this.broker.nowMs += ms;
  }

  backUp(laptop: MachineDisk, meanwhile: Meanwhile = {}, rules: Partial<BackupRules> & { blind?: Blindness } = {}) {
    const machine = this.machine(meanwhile, rules.blind);
    // One text is always there, and another makes every tree a new one.
    const files = new Map([
      ['a', 'the only text'],
      ['b', `backup ${++this.backups}`],
    ]);
    return simulateBackup(machine, laptop, files, { ...rules, signal });
  }

  prune(meanwhile: Meanwhile = {}, { blind = {}, graceMs = HOUR_MS }: { blind?: Blindness; graceMs?: number } = {}) {
    const request = {
      graceMs,
      minAgeMs: 0,
      maxUnused: { percent: 0 },
      repackBytesMax: null,
      smallBytesMax: null,
      dryRun: false,
      signal,
      onEvent: () => undefined,
    };
    return runPrune({ store: this.machine(meanwhile, blind), machineId: diskOf(7).machineId }, request);
  }

  forget(snapshotId: ObjectId | null): void {
    this.broker.delete(snapshotId!);
  }

  /** The objects in which this text lies. */
  holdersOf(text: string): ObjectId[] {
    const id = chunkIdOf(Buffer.from(text));
    return this.broker.inOrder
      .filter(({ kind, entries }) => kind === 'data' && entries.some(({ chunkId }) => id.equals(chunkId)))
      .map(({ objectId }) => objectId);
  }

  kinds(): string[] {
    return this.broker.inOrder.map(({ kind }) => kind).sort();
  }

  private machine(meanwhile: Meanwhile, blind: Blindness = {}): SimulatedMachine {
    const left = new Map(Object.entries(meanwhile));
    return new SimulatedMachine(this.broker, 0, { unreachable: 0 }, blind, async (request) => {
      const name = left.has(request) ? request : request.split(' ')[0]!;
      const happens = left.get(name);
      left.delete(name);
      await happens?.();
    });
  }
}

function diskOf(number: number): MachineDisk {
  return { machineId: `01900000-0000-7000-8000-00000000000${number}` as PeerId, unpublished: [] };
}

/** Lets somebody wait for somebody else. */
class Gate {
  private resolve!: () => void;
  readonly opened = new Promise<void>((resolve) => {
    this.resolve = resolve;
  });

  async open(): Promise<void> {
    this.resolve();
  }
}

/** An account whose only snapshot was just forgotten. */
async function withLeftOvers(): Promise<Account> {
  const account = new Account();
  account.forget(await account.backUp(diskOf(1)));
  return account;
}

describe('a prune alone', () => {
  it('marks what nobody needs, waits, deletes it, and leaves nothing behind', async () => {
    const account = await withLeftOvers();
    expect(await account.prune()).toMatchObject({
      marked: { objects: 2 },
      deleted: { objects: 0 },
      waiting: { objects: 2 },
    });
    account.pass(HOUR_MS - 1);
    expect(await account.prune()).toMatchObject({ marked: { objects: 0 }, deleted: { objects: 0 } });
    account.pass(1);
    expect(await account.prune()).toMatchObject({ deleted: { objects: 2 }, indexesReplaced: 1, noticesEnded: 1 });
    expect(account.kinds()).toEqual([]);
  });

  it('keeps the time of grace that the mark says, whatever a later prune is told', async () => {
    const account = await withLeftOvers();
    await account.prune({}, { graceMs: 24 * HOUR_MS });
    account.pass(2 * HOUR_MS);
    expect(await account.prune({}, { graceMs: 0 })).toMatchObject({ deleted: { objects: 0 } });
  });

  it('changes nothing when a snapshot cannot be read whole', async () => {
    const account = await withLeftOvers();
    await account.backUp(diskOf(1));
    const [tree] = account.broker.inOrder.filter(({ kind }) => kind === 'tree');
    account.broker.delete(tree!.objectId);
    const before = account.kinds();
    await expect(account.prune()).rejects.toMatchObject({ code: 'chunk_missing' });
    expect(account.kinds()).toEqual(before);
  });
});

describe('a mark that comes while a backup is under way', () => {
  /** The text is marked while the run stores its tree; its grace ends before the snapshot, which a prune overtakes. */
  async function overtaken(blind: Blindness): Promise<{ account: Account; second: PruneSummary }> {
    const account = await withLeftOvers();
    const over = new Gate();
    let second: Promise<PruneSummary> | null = null;
    await account.backUp(diskOf(1), {
      'begin tree': () => account.prune(),
      'begin snapshot': async () => {
        account.pass(2 * HOUR_MS);
        // The prune has decided when it sends its first deletion; the backup ends before that arrives.
        const decided = new Gate();
        second = account.prune({ delete: () => decided.open().then(() => over.opened) }, { blind });
        await Promise.race([decided.opened, second]);
      },
    });
    await over.open();
    return { account, second: await second! };
  }

  it('is held by the run, and the prune deletes nothing of it', async () => {
    const { account, second } = await overtaken({});
    expect(second.deleted.objects).toBe(0);
    expect(account.holdersOf('the only text')).toHaveLength(1);
  });

  it('without the hold: the text is lost', async () => {
    const { account } = await overtaken({ holds: true });
    expect(account.holdersOf('the only text')).toEqual([]);
  });
});

describe('a mark and a deletion between the look before the snapshot and the snapshot: a laptop that was closed', () => {
  const asleep = (account: Account): Meanwhile => ({
    'begin snapshot': async () => {
      account.pass(20 * 24 * HOUR_MS);
      await account.prune();
      account.pass(2 * HOUR_MS);
      await account.prune();
    },
  });

  it('is found by the last look: the snapshot is withdrawn, and the run begins anew', async () => {
    const account = await withLeftOvers();
    const id = await account.backUp(diskOf(1), asleep(account));
    expect(account.holdersOf('the only text')).toHaveLength(1);
    expect(account.broker.inOrder.filter(({ kind }) => kind === 'snapshot').map(({ objectId }) => objectId)).toEqual([
      id,
    ]);
  });

  it('is found even when the prune has decided and its deletions have not come yet', async () => {
    const account = await withLeftOvers();
    const over = new Gate();
    let second: Promise<PruneSummary> | null = null;
    await account.backUp(diskOf(1), {
      'begin snapshot': async () => {
        await account.prune();
        account.pass(2 * HOUR_MS);
        const decided = new Gate();
        second = account.prune({ delete: () => decided.open().then(() => over.opened) });
        await decided.opened;
      },
    });
    await over.open();
    expect((await second!).deleted.objects).toBeGreaterThan(0);
    expect(account.holdersOf('the only text')).toHaveLength(1);
  });

  it('without the last look: a snapshot counts as complete whose text is lost', async () => {
    const account = await withLeftOvers();
    await account.backUp(diskOf(1), asleep(account), { noLastLook: true });
    expect(account.holdersOf('the only text')).toEqual([]);
  });
});

describe('a backup while a prune sleeps between its decision and its deletions', () => {
  async function besideSleepingPrune(blind: Blindness): Promise<Account> {
    const account = await withLeftOvers();
    await account.prune();
    account.pass(2 * HOUR_MS);
    await account.prune({ delete: () => account.backUp(diskOf(2), {}, { blind }) });
    return account;
  }

  it('stores anew what is marked', async () => {
    const account = await besideSleepingPrune({});
    expect(account.holdersOf('the only text')).toHaveLength(1);
  });

  it('without that rule: the text is lost', async () => {
    const account = await besideSleepingPrune({ marks: () => true });
    expect(account.holdersOf('the only text')).toEqual([]);
  });
});

describe('what is marked and came to be needed again', () => {
  it('is copied by a later prune, and only then deleted by the one after it', async () => {
    const account = await withLeftOvers();
    // The run relies on the text before it is marked, and its snapshot is listed before the mark is ripe.
    await account.backUp(diskOf(1), { 'begin tree': () => account.prune() });
    account.pass(40 * 24 * HOUR_MS);
    const [marked] = account.holdersOf('the only text');
    expect(await account.prune()).toMatchObject({ repacked: { objects: 1 } });
    expect(account.holdersOf('the only text')).toHaveLength(2);
    await account.prune();
    expect(account.holdersOf('the only text')).toHaveLength(1);
    expect(account.holdersOf('the only text')).not.toContain(marked);
  });
});
