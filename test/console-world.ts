// A network with something to see in every page of the console: a person with machines and backups, hosts with a past,
// a peer that was shut out, refusals, and operators of each role.
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { changeOne } from '#database';
import type { AccountId, ObjectId, PeerId } from '#protocol';
import { BrokerDatabase } from '../apps/server/src/platform/broker-database.js';
import { askAt } from '../apps/server/src/testing/admin-client.js';
import { PASSWORD, WebVisitor } from '../apps/server/src/testing/web-visitor.js';
import { refusalOf, World, type WorldClient } from './world.js';

export const ADA = 'ada@example.org';
/** What a name of a machine must never do. */
export const HOSTILE_NAME = '<img src=x onerror=alert(1)>';

const HOUR_MS = 3_600_000;
const KEY_LIFE_MS = 30 * 24 * HOUR_MS;
const BACKUP_STEPS = 6;
const REFUSAL_STEPS = 4;

export const PEOPLE_PAGES = ['', '/backups', '/credit', '/hosts'] as const;
export const OPERATOR_PAGES = [
  '',
  '/peers',
  '/accounts',
  '/audits',
  '/repairs',
  '/transactions',
  '/refusals',
  '/ledger',
  '/policies',
  '/enrolment-keys',
  '/log',
  '/health',
] as const;

export interface ConsoleWorldOptions {
  /** How much of its past the network lives through, and in which steps. */
  readonly hours: number;
  readonly stepHours?: number;
  readonly hosts?: number;
  readonly backupBytes?: number;
  /** One machine has a name that must never be taken for HTML. */
  readonly isHostile?: boolean;
  /** Hosts have trouble, and the operator does something about it. */
  readonly isLively?: boolean;
  readonly shareBytes?: number;
}

export interface ConsoleWorld {
  readonly world: World;
  readonly url: string;
  readonly adminUrl: string;
  readonly operatorKey: string;
  readonly ada: AccountId;
  readonly laptop: WorldClient;
  /** A machine of Ada's account that her person may revoke. */
  readonly oldPhone: PeerId;
  /** A machine of another account. */
  readonly stranger: PeerId;
  close(): Promise<void>;
}

export async function makeConsoleWorld(options: ConsoleWorldOptions): Promise<ConsoleWorld> {
  const {
    hours,
    stepHours = 1,
    hosts = 6,
    backupBytes = 3_000_000,
    isHostile = false,
    isLively = false,
    shareBytes = 2_000_000_000,
  } = options;
  const world = await World.create({
    hosts,
    shareBytes,
    testMode: true,
    behindMs: (hours + 1) * HOUR_MS,
    policy: {
      openingCreditBytes: 400_000_000,
      presenceTtlMs: 86_400_000,
      vetting: { days: 1, answersMin: 1, auditsMin: 1, uptimeMin: 0.5 },
      audits: { perHostPerDay: 96 },
      admin: { requestsPerMinute: 100_000, networkRequestsPerMinute: 100_000 },
      placement: { vettingShare: 1 },
    },
  });
  const url = `https://127.0.0.1:${world.broker.port}`;
  const ada = await register(world, url);
  const laptop = await world.addClient('laptop', ada);
  const desktop = await world.addClient('studio-desktop');
  await world.broker.probeHostsNow();
  await keepBackups(world, laptop, backupBytes, 'pictures');
  await keepBackups(world, desktop, backupBytes / 2, 'letters');
  await world.addHost(shareBytes, {}, ada);
  const oldPhone = (await world.enrol('old-phone', { account: ada })).identity.peerId;
  const tablet = (await world.enrol('tablet', { account: ada })).identity.peerId;
  if (isHostile) await rename(world, tablet, HOSTILE_NAME);
  const revoked = (await world.enrol('sold-notebook', { account: ada })).identity.peerId;
  await world.askBroker(laptop, (broker) => broker.revokePeer(revoked, 'sold'));
  const attic = await world.recoverClient(await laptop.phrase(), 'attic-pc');
  await world.broker.createAdminKey({ role: 'viewer', name: 'wallboard', lifeMs: KEY_LIFE_MS });
  const operatorKey = await world.broker.createAdminKey({ role: 'operator', name: 'grace', lifeMs: KEY_LIFE_MS });
  const clients = [laptop, desktop, attic];
  for (let step = 1; step * stepHours <= hours; step++) {
    await liveOn(world, stepHours);
    // A backup now and then, and now and then somebody asks for what is not there.
    if (step % BACKUP_STEPS === 0)
      await keepBackups(world, clients[(step / BACKUP_STEPS) % 3]!, backupBytes / 2, `step-${step}`);
    if (step % REFUSAL_STEPS === 0) await beRefused(world, laptop, 1 + (step % 5));
    if (isLively && step === Math.floor(hours / stepHours / 2)) await haveTrouble(world, operatorKey, ada);
  }
  await beRefused(world, laptop, 2);
  return {
    world,
    url,
    adminUrl: world.broker.adminOrigin,
    operatorKey,
    ada,
    laptop,
    oldPhone,
    stranger: world.hosts[0]!.peerId,
    close: () => world.close(),
  };
}

/** Names that no machine enrols under: the pages must not rely on that. */
async function rename(world: World, peerId: PeerId, name: string): Promise<void> {
  const database = await BrokerDatabase.open(join(world.dataDir, 'broker.db'));
  await database.write((db) => changeOne(db, 'UPDATE peers SET name = $1 WHERE id = $2', [name, peerId]));
  await database.close();
}

/** Ada registers by the pages; returns her account. */
async function register(world: World, url: string): Promise<AccountId> {
  const visitor = await WebVisitor.come({ url, caPem: () => readFile(join(world.dataDir, 'ca.pem'), 'utf8') });
  const registered = await visitor.submit('/register', { email: ADA, name: 'Ada Lovelace', password: PASSWORD });
  if (registered.status !== 200) throw new Error(`registration refused: ${registered.status}`);
  await visitor.leave();
  const [row] = await world.brokerRows<{ id: AccountId }>('SELECT id FROM accounts WHERE email = $1', [ADA]);
  return row!.id;
}

async function keepBackups(world: World, client: WorldClient, bytes: number, name: string): Promise<void> {
  const files = Object.fromEntries(
    Array.from({ length: 4 }, (_, i) => [`file-${i}.bin`, randomBytes(Math.ceil(bytes / 4))]),
  );
  await client.backup(await world.writeFiles(name, files));
  await world.settle();
}

/** Hosts say that they are there and show what they have; the broker's jobs do their work. */
async function liveOn(world: World, hours: number): Promise<void> {
  await world.pass(hours * HOUR_MS);
  const { broker } = world;
  await broker.probeHostsNow();
  await broker.auditHostsNow();
  await broker.exchangeCreditNow();
  await broker.keepStandingsNow();
  await broker.sampleNetworkNow();
}

/** Asks for what nobody has, so that there is something refused. */
async function beRefused(world: World, client: WorldClient, times: number): Promise<void> {
  const objectId = client.peerId as string as ObjectId;
  for (let i = 0; i < times; i++) {
    const asked = world.askBroker(client, (broker) => broker.beginGet({ objects: [{ objectId, avoid: [] }] }));
    expect(await refusalOf(asked)).toBe('object_unknown');
    const empty = world.askBroker(client, (broker) => broker.beginPut({ objects: [] }));
    expect(await refusalOf(empty)).toBe('request_invalid');
  }
}

/** What an operator has to do with: a host falls silent, one is suspended, one leaves, somebody is given credit. */
async function haveTrouble(world: World, key: string, account: AccountId): Promise<void> {
  const [, , silent, suspended, leaving] = world.hosts;
  // What is shut out would ask, and be refused, with every presence.
  await Promise.all([silent!.stop(), suspended!.stop()]);
  const caPem = await readFile(join(world.dataDir, 'ca.pem'), 'utf8');
  const changes = [
    [`peers/${suspended!.peerId}/suspend`, { reason: 'its owner reports a failing disk' }],
    [`peers/${leaving!.peerId}/leave`, { reason: 'moves to another house' }],
    ['ledger/adjustments', { account, amount: '50000000', reason: 'thanks for the translation' }],
    ['enrolment-keys', { uses: 5, lifeSeconds: 10 * 86_400, account, reason: 'machines of the family' }],
    ['enrolment-keys', { reason: 'a friend' }],
  ] as const;
  for (const [path, body] of changes) {
    const headers = { authorization: `Bearer ${key}` };
    const answer = await askAt(
      world.broker.adminOrigin,
      { method: 'POST', path: `/v1/admin/${path}`, body, headers },
      caPem,
    );
    expect([path, answer.status]).toEqual([path, 200]);
  }
}
