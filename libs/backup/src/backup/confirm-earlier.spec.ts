// A snapshot that no run could confirm: the next backup confirms it or withdraws it, and only then takes it for its own.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, openLog } from '#process';
import { type ObjectId, type PeerId, ProtocolError, uuidV7 } from '#protocol';
import { BackupEngine } from '../engine.js';
import { freshFolder } from '../files/testing-folders.js';
import type { EngineEvent } from '../ports.js';
import { Seeded } from '../prune/testing/seeded.js';
import { MemoryNetwork } from '../testing/memory-network.js';

const signal = new AbortController().signal;
const clock = new FakeClock(Date.now());
let folder: ReturnType<typeof freshFolder>;
let network: MemoryNetwork;
let engine: BackupEngine;
let events: EngineEvent[];
let isDeaf: boolean;
const source = (...names: string[]): string => join(folder.path, 'source', ...names);

beforeEach(async () => {
  folder = freshFolder();
  mkdirSync(source());
  writeFileSync(source('a'), 'a'.repeat(10_000));
  events = [];
  isDeaf = false;
  const code = { hosts: 4, dataShards: 2, totalShards: 3, safeShards: 2, nowMs: () => clock.nowMs() };
  network = new MemoryNetwork(new Seeded(1), code);
  engine = await open('home');
});
afterEach(async () => {
  await engine.close();
  folder.remove();
});

/** A broker that hears no report while it is deaf. */
const links = () =>
  network.links(async (call, _host, act) => {
    if (call === 'report' && isDeaf) throw new ProtocolError('broker_unreachable');
    return act();
  });

function open(home: string): Promise<BackupEngine> {
  const machineId = uuidV7<PeerId>(1_000, new Uint8Array(10));
  const masterKey = Buffer.alloc(32, 3);
  const state = { masterKey, machineId, folder: join(folder.path, home), clock, log: openLog('test', 'silent') };
  return BackupEngine.openOver(state, links());
}

function backup(by = engine) {
  clock.advance(60_000);
  return by.backup({ paths: [source()], signal, onEvent: (event) => events.push(event) });
}

const known = (): unknown => JSON.parse(readFileSync(join(folder.path, 'home', 'snapshots.json'), 'utf8'));
const warnings = (): string[] => events.flatMap((event) => (event.kind === 'warning' ? [event.detail] : []));

async function unconfirmedBackup(): Promise<ObjectId> {
  isDeaf = true;
  const { reported, snapshotId } = await backup();
  expect(reported).toBe(false);
  isDeaf = false;
  expect(known()).toMatchObject({ unconfirmed: [snapshotId] });
  return snapshotId!;
}

describe('a snapshot that could not be confirmed', () => {
  it('is confirmed by the next backup, which then takes it as its parent', async () => {
    const id = await unconfirmedBackup();
    const next = await backup();
    expect(next).toMatchObject({ parentId: id, reported: true });
    expect(known()).toEqual({ written: [id, next.snapshotId], unconfirmed: [] });
  });

  it('is withdrawn when something that it needs is gone, and everything is stored again', async () => {
    const id = await unconfirmedBackup();
    const { broker } = links();
    // The broker hears of everything.
    await engine.check({ readData: false, signal, onEvent: () => undefined });
    const data = (await broker.listObjects()).objects.find(({ kind }) => kind === 'data')!;
    await broker.beginDelete({ objectIds: [data.objectId] });
    const next = await backup();
    expect(next).toMatchObject({ parentId: null, reported: true });
    expect(known()).toEqual({ written: [next.snapshotId], unconfirmed: [] });
    expect(warnings().filter((detail) => detail.includes(id))).toHaveLength(1);
    const left = await engine.snapshots({ signal, onEvent: () => undefined });
    expect(left.map((stored) => stored.id)).toEqual([next.snapshotId]);
  });
});

describe('a parent', () => {
  it('is never the snapshot of another home, whatever machine that says it is, and then every file is read', async () => {
    await backup();
    const other = await open('other');
    const foreign = await backup(other);
    await other.close();
    expect(foreign).toMatchObject({ parentId: null, comparedFiles: { new: 1 } });
    expect(events.filter(({ kind }) => kind === 'note')).toHaveLength(1);
    expect((await backup()).parentId).not.toBe(foreign.snapshotId);
  });
});
