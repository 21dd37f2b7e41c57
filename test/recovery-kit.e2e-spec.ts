// Recovery kits, end to end: a snapshot comes back from its hosts while the broker is dead and the machine is lost (B6, B7, B12).
import { randomBytes } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  deriveDataKeys,
  type EngineEvent,
  masterKeyFromPhrase,
  openKit,
  openKitEngine,
  phraseFromMasterKey,
  type RecoveryKit,
} from '#backup';
import { BrokerClient } from '#broker-api';
import { formatTime, parseTime } from '#protocol';
import { compareTrees } from '../scripts/demo/compare-trees.js';
import { messagesOf, peerkeepHere } from './command-here.js';
import { refusalOf, World, type WorldClient } from './world.js';

const DAY_MS = 86_400_000;

let world: World;
let client: WorldClient;
let source: string;
beforeEach(async () => {
  failures.clear();
  world = await World.create({ hosts: 6 });
  client = await world.addClient();
  source = await world.writeFiles('source', {
    'a.txt': 'hello',
    empty: '',
    'deep/er/b.bin': randomBytes(3_000_000),
    'deep/c.bin': randomBytes(20_000_000),
  });
  await client.backup(source);
  await world.settle();
});
afterEach(() => world.close());

/** The codes with which hosts failed. */
const failures = new Set<string>();
const running = () => ({
  signal: new AbortController().signal,
  onEvent: (event: EngineEvent) => {
    if (event.kind === 'host-failed') failures.add(event.code);
  },
});

async function makeKit(of = client, snapshot = 'latest'): Promise<{ kit: RecoveryKit; file: Buffer }> {
  const broker = new BrokerClient({ home: of.home, clock: world.clock, log: world.log });
  try {
    return await of.engine.makeKit({ ...running(), snapshot, order: { home: of.home, broker: broker.kits } });
  } finally {
    await broker.close();
  }
}

/** As a new machine does that has the file and the 24 words. */
async function restoreFrom(file: Buffer, phrase: string, target: string) {
  const masterKey = masterKeyFromPhrase(phrase);
  const kit = openKit(file, deriveDataKeys(masterKey).kitKey);
  const folder = world.path(`kit-engine-${target}`);
  const engine = await openKitEngine({ kit, masterKey, folder, limits: {}, clock: world.clock, log: world.log });
  try {
    return await engine.restore({ ...running(), snapshot: 'latest', includes: [], target: world.path(target) });
  } finally {
    await engine.close();
  }
}

/** The broker dies, and each host is started anew at the address that the kit names. */
async function afterTheDisaster(): Promise<void> {
  await world.broker.kill();
  for (const [i, host] of world.hosts.entries()) {
    const { port } = host.agent;
    // Some of them went down with the power.
    await (i % 2 === 0 ? host.kill() : host.stop());
    await host.start({ tellBroker: false, port });
  }
}

describe('a recovery kit', () => {
  it('restores everything with the broker dead, the machine lost and every host started anew (B6, B7)', async () => {
    const { file } = await makeKit();
    const phrase = await client.phrase();
    await client.close();
    await rm(client.home.path, { recursive: true });
    await afterTheDisaster();
    world.clock.advance(3 * 60 * 60_000);

    const restored = await restoreFrom(file, phrase, 'restored');
    expect(restored).toMatchObject({ files: 4, directories: 2, failed: 0, bytes: 23_000_005 });
    expect(await compareTrees(source, world.path('restored'), [])).toEqual({ entries: 6, differences: [] });

    // And once more: a token of a kit is good for more than one restore.
    expect(await restoreFrom(file, phrase, 'again')).toMatchObject({ files: 4, failed: 0 });
    expect(await compareTrees(source, world.path('again'), [])).toEqual({ entries: 6, differences: [] });
  });

  it('is told of by its hosts when there is a broker again: each use is a get of the account (B19)', async () => {
    const { file, kit } = await makeKit();
    await world.broker.kill();
    await restoreFrom(file, await client.phrase(), 'restored');
    await world.startBroker();
    for (const host of world.hosts) await host.agent.triggers.presence();
    await world.settle();
    const rows = await world.brokerRows<{ uses: number; op: string; moved: number }>(
      `SELECT op, is_use AS uses, SUM(moved_bytes) AS moved FROM transactions WHERE client_id = $1 GROUP BY op, is_use`,
      [kit.kitId],
    );
    const used = rows.find(({ op }) => op === 'get');
    const tokens = rows.find(({ op }) => op === 'offline');
    expect(used).toMatchObject({ uses: 1 });
    expect(tokens!.moved).toBeGreaterThan(23_000_000);
    for (const host of world.hosts) {
      expect(await host.rows('SELECT * FROM report')).toEqual([]);
    }
  });

  it('is good across a renewal of every key of its hosts (B5)', async () => {
    const { file } = await makeKit();
    for (const host of world.hosts) {
      await world.askBroker(host, (broker) => broker.renewTransactionKey());
    }
    // The keys before are gone by now, but for what opens tokens of kits.
    await world.pass(25 * 60 * 60_000);
    await world.broker.kill();
    expect(await restoreFrom(file, await client.phrase(), 'restored')).toMatchObject({ files: 4, failed: 0 });
  });

  it('is refused by hosts that heard that it was withdrawn, also after a start without the broker (B16)', async () => {
    const { file, kit } = await makeKit();
    await world.askBroker(client, (broker) => broker.kits.withdraw(kit.kitId));
    for (const host of world.hosts) await host.agent.triggers.presence();
    await afterTheDisaster();
    expect(await refusalOf(restoreFrom(file, await client.phrase(), 'restored'))).toBe('object_unavailable');
    expect([...failures]).toEqual(['token_client_revoked']);
  });

  it('goes with the machine that made it, when that is shut out', async () => {
    const { kit } = await makeKit();
    const other = await world.recoverClient(await client.phrase());
    await world.askBroker(other, (broker) => broker.revokePeer(client.peerId, 'stolen'));
    const host = world.hosts[0]!;
    const { withdrawn } = await world.askBroker(host, async (broker) =>
      broker.presence({ host: null, home: null, program: 'test' }),
    );
    expect(withdrawn.clients).toContain(kit.kitId);
  });

  it('opens nothing but gets of what it names: nobody else, nothing else, not past its end (B12, B16)', async () => {
    const { kit, file } = await makeKit();
    const phrase = await client.phrase();
    // A thief with the tokens and an identity of another peer.
    const stranger = await world.addClient('stranger');
    const asStranger = {
      ...kit,
      privateKey: stranger.home.privateKeyPem,
      certificate: stranger.home.certificate().pem,
    };
    const engine = await openKitEngine({
      kit: asStranger,
      masterKey: masterKeyFromPhrase(phrase),
      folder: world.path('thief'),
      limits: {},
      clock: world.clock,
      log: world.log,
    });
    const stolen = engine.restore({ ...running(), snapshot: 'latest', includes: [], target: world.path('stolen') });
    expect(await refusalOf(stolen)).toBe('object_unavailable');
    expect([...failures]).toEqual(['token_wrong_client']);
    await engine.close();

    // The identity of a kit asks the broker for nothing: it has no transaction key.
    expect(parseTime(kit.expiresAt)! - parseTime(kit.madeAt)!).toBe(30 * DAY_MS);
    expect(await world.brokerRows('SELECT 1 FROM transaction_keys WHERE peer_id = $1', [kit.kitId])).toEqual([]);

    world.clock.advance(30 * DAY_MS + 6 * 60_000);
    expect(await refusalOf(restoreFrom(file, phrase, 'late'))).toBe('kit_expired');
    expect(formatTime(world.clock.nowMs()) > kit.expiresAt).toBe(true);
  });

  it('is made, shown, listed and restored from by the commands, on a new machine with the words alone', async () => {
    const place = { home: client.home.path, clock: world.clock, log: world.log };
    const out = world.path('laptop.kit');
    await client.close();
    const created = await peerkeepHere(place, 'kit', 'create', '--out', out, '--json', '--quiet');
    expect([created.code, created.stderr]).toEqual([0, '']);
    const [made] = messagesOf(created);
    expect(made).toMatchObject({ message_type: 'kit', path: out, hosts: 6 });
    expect((await peerkeepHere(place, 'kit', 'create', '--out', out)).code).toBe(2);
    const listed = await peerkeepHere(place, 'kit', 'list', '--json');
    expect(messagesOf(listed)).toMatchObject([{ kits: [{ kit_id: made!.kit_id, withdrawn_at: null }] }]);

    await world.broker.kill();
    const newMachine = { ...place, home: world.path('new-home'), phrase: await client.phrase() };
    const { size: _, ...shown } = made!;
    expect(messagesOf(await peerkeepHere(newMachine, 'kit', 'show', out, '--json'))).toEqual([shown]);
    const restore = (from: string, at = newMachine) =>
      peerkeepHere(at, 'restore', 'latest', '--kit', from, '--target', world.path('restored'), '--json', '--quiet');
    const another = { ...newMachine, phrase: phraseFromMasterKey(randomBytes(32)) };
    expect(await restore(out, another)).toMatchObject({ code: 5, stderr: expect.stringContaining('kit_invalid') });
    const bytes = await readFile(out);
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(world.path('damaged.kit'), bytes);
    expect(await restore(world.path('damaged.kit'))).toMatchObject({ code: 5 });

    const restored = await restore(out);
    expect([restored.code, restored.stderr]).toEqual([0, '']);
    expect(await compareTrees(source, world.path('restored'), [])).toEqual({ entries: 6, differences: [] });
  });

  it('is not made for another account, past the number that there may be, nor where the operator wants none', async () => {
    const { kit } = await makeKit();
    const stranger = await world.addClient('stranger');
    const asked = world.askBroker(stranger, (broker) => broker.kits.offlineGets(kit.kitId, [kit.snapshot.objectId]));
    expect(await refusalOf(asked)).toBe('kit_unknown');
    await world.askBroker(stranger, async (broker) => {
      expect(await refusalOf(broker.kits.withdraw(kit.kitId))).toBe('kit_unknown');
    });
    for (let made = 1; made < 16; made++) await makeKit();
    expect(await refusalOf(makeKit())).toBe('kits_too_many');
  });
});
