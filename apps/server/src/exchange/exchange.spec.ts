// The exchange at the running broker (B22, B25): hosts earn by what they hold for others, hour by hour, and only by that.
import { afterEach, describe, expect, it } from 'vitest';
import { type BeginPutAnswer, type CreditAnswer, type PeerId, type Redundancy } from '#protocol';
import { BrokerDatabase } from '../platform/broker-database.js';
import { OPENING_CREDIT, TestNetwork } from '../testing/test-network.js';
import { beginPut, someObject, someShard, TestPeer } from '../testing/test-peer.js';

const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;
const WINDOW_DAYS = 2;
const WINDOW_HOURS = WINDOW_DAYS * DAY_HOURS;

let network: TestNetwork;
let database: BrokerDatabase;

async function open(policy: object = {}): Promise<void> {
  network = await TestNetwork.create({
    policy: { audits: { on: false }, presenceTtlMs: 24 * HOUR_MS, exchange: { windowDays: WINDOW_DAYS }, ...policy },
  });
  database = await BrokerDatabase.open(`${network.fixture.dataDir}/broker.db`);
}

afterEach(async () => {
  await database.close();
  await network.remove();
});

/** Let hours pass, the broker looking at each of them. */
async function pass(hours: number): Promise<void> {
  for (let i = 0; i < hours; i++) {
    network.fixture.clock.advance(HOUR_MS);
    // Often enough to be there all of the time.
    if (i % 12 === 0) for (const host of network.hosts) await host.announce();
    // The first may join a run that began before the hour was over.
    for (let run = 0; run < 2; run++) await network.fixture.broker.exchangeCreditNow();
  }
}

/** To the next midnight, and one whole day more: the exchange has decided for a day of 24 hours. */
async function passWholeDay(): Promise<void> {
  const hour = Math.floor(network.nowMs / HOUR_MS);
  await pass(2 * DAY_HOURS - (hour % DAY_HOURS));
}

async function vet(peer: TestPeer): Promise<void> {
  await database.write((db) =>
    db.query("UPDATE peers SET state = 'active', vetted_at_ms = $1 WHERE id = $2", [network.nowMs, peer.peerId]),
  );
}

/** Byte-hours of a host in the days that have been decided for. */
async function provedBy(peerId: PeerId): Promise<number> {
  const today = Math.floor(network.nowMs / HOUR_MS / DAY_HOURS);
  const [row] = await database.reads.query<{ sum: number | null }[]>(
    'SELECT SUM(byte_hours) AS sum FROM proved_days WHERE peer_id = $1 AND day < $2 AND day >= $3',
    [peerId, today, today - WINDOW_DAYS],
  );
  return row!.sum ?? 0;
}

describe('hosting', () => {
  it('is withheld on probation and vests when it ends, and lapses when it is over; all of it once (B22)', async () => {
    await open();
    const { object } = await network.store();
    await passWholeDay();
    const [host] = network.hosts as [TestPeer];
    const proved = await provedBy(host.peerId);
    expect(proved).toBeGreaterThanOrEqual(DAY_HOURS * 1_000);
    const allowance = Math.floor(proved / WINDOW_HOURS);
    expect(await host.credit()).toMatchObject({ available: OPENING_CREDIT, withheld: allowance });

    // Asked again, in the same hour and after a crash, it is what it was.
    await network.fixture.broker.exchangeCreditNow();
    await network.fixture.broker.kill();
    await network.fixture.startAgain();
    await network.fixture.broker.exchangeCreditNow();
    expect(await host.credit()).toMatchObject({ available: OPENING_CREDIT, withheld: allowance });

    await vet(host);
    for (const each of network.hosts) await each.announce();
    await pass(DAY_HOURS);
    const grown = Math.floor((await provedBy(host.peerId)) / WINDOW_HOURS);
    expect(grown).toBeGreaterThan(allowance - 1);
    expect(await host.credit()).toMatchObject({ available: OPENING_CREDIT + grown, withheld: 0 });
    const kinds = await database.reads.query<{ kind: string }[]>(
      'SELECT DISTINCT kind FROM ledger_entries WHERE credit = $1 OR debit = $1 ORDER BY kind',
      [`withheld:${host.enrolled.accountId}`],
    );
    expect(kinds.map(({ kind }) => kind)).toContain('vest');
    expect(await network.fixture.broker.checkLedger()).toEqual([]);

    const batches = await network.client.post<{
      batches: { transactionId: never; host: { peerId: PeerId }; items: never[] }[];
    }>('/v1/deletes', { objectIds: [object.objectId] });
    for (const { transactionId, host: at, items } of batches.body.batches) {
      const holder = network.host(at.peerId);
      const deleted = items.map(({ cid, sizeBytes }) => ({ cid, sizeBytes, result: 'deleted' }));
      await holder.report([network.done(holder, transactionId, 'delete', deleted)]);
    }
    expect((await network.client.credit()).used).toBe(0);
    await pass((WINDOW_DAYS + 1) * DAY_HOURS);
    expect(await host.credit()).toMatchObject({ available: OPENING_CREDIT, withheld: 0 });
  });

  it('counts content once at a host, and what its own account put there not at all (B25)', async () => {
    await open({ redundancy: [{ hosts: 3, dataShards: 2, totalShards: 3, safeShards: 3 }] });
    const own = await TestPeer.enrol(network.fixture);
    const { object, puts } = await network.store();
    const holder = puts[0]!.permission.host.peerId;
    const twin = someObject(network.fixture, {
      shards: object.shards.map((shard) => ({
        ...shard,
        target: puts.find(({ shard: { index } }) => index === shard.index)!.permission.host.peerId,
      })),
    });
    for (const put of await beginPut(network.client, twin)) await network.client.report([network.doneOf(put)]);
    // The client's second machine, of the same account, hosts for the first.
    const { key } = await network.fixture.broker.createEnrolmentKey({ accountId: own.enrolled.accountId });
    const second = await TestPeer.enrol(network.fixture, { kind: 'enrolment-key', key });
    await second.announce();
    (network.hosts as TestPeer[]).push(second);
    const shards = [0, 1, 2].map((index) => {
      const targets = [second.peerId, network.hosts[0]!.peerId, network.hosts[1]!.peerId];
      return { ...someShard(index), target: targets[index]! };
    });
    const wash = await own.post<BeginPutAnswer>('/v1/puts', { objects: [someObject(network.fixture, { shards })] });
    for (const { index, transactionId, host } of wash.body.objects[0]!.permissions) {
      const at = network.host(host.peerId);
      const items = [{ cid: shards[index]!.cid, sizeBytes: 1_000, result: 'stored' }];
      const report = network.done(at, transactionId, 'put', items, { clientId: own.peerId });
      expect(await at.report([report])).toEqual(['recorded']);
      expect(await own.report([report])).toEqual(['recorded']);
    }
    await pass(1);
    const provedOf = async (peerId: PeerId): Promise<number> => {
      const [row] = await database.reads.query<{ sum: number | null }[]>(
        'SELECT SUM(byte_hours) AS sum FROM proved_days WHERE peer_id = $1',
        [peerId],
      );
      return row!.sum ?? 0;
    };
    expect(await provedOf(second.peerId)).toBe(0);
    const others = [network.hosts[0]!.peerId, network.hosts[1]!.peerId].includes(holder) ? 1_000 : 0;
    // At most the hour of the start and this one; the twin adds nothing.
    expect([1_000 + others, 2_000 + others, 2 * (1_000 + others)]).toContain(await provedOf(holder));
  });

  it('earns nothing for hours in which a host is away, or not believed', async () => {
    await open({ audits: { on: true }, presenceTtlMs: 90_000 });
    await network.store();
    await passWholeDay();
    for (const host of network.hosts) {
      expect(await provedBy(host.peerId)).toBe(0);
      expect(await host.credit()).toMatchObject({ available: OPENING_CREDIT, withheld: 0 });
    }
  });

  it('loses nothing by hours in which the broker was away', async () => {
    await open();
    await network.store();
    await pass(1);
    const [before] = await database.reads.query<{ sum: number }[]>('SELECT SUM(byte_hours) AS sum FROM proved_days');
    await network.fixture.stop();
    network.fixture.clock.advance(5 * HOUR_MS);
    await network.fixture.startAgain();
    for (const host of network.hosts) await host.announce();
    await network.fixture.broker.exchangeCreditNow();
    const [after] = await database.reads.query<{ sum: number }[]>('SELECT SUM(byte_hours) AS sum FROM proved_days');
    expect(after!.sum - before!.sum).toBe(3 * 5 * 1_000);
  });
});

describe('a durability class', () => {
  const ARCHIVE = { ratio: 2.5, redundancy: [{ hosts: 3, dataShards: 1, totalShards: 3, safeShards: 2 }] };
  const classes = { 'second-copy': { ratio: 1.5 }, archive: ARCHIVE };

  it('has its own code and its own price, and stays with its object (B22)', async () => {
    await open({ exchange: { classes } });
    const asked = async (durability: string): Promise<{ code?: string | undefined; body: Redundancy }> =>
      network.client.get<Redundancy>(`/v1/redundancy?durability=${durability}`);
    expect((await asked('archive')).body).toMatchObject({ dataShards: 1, totalShards: 3, safeShards: 2 });
    expect((await asked('second-copy')).body).toMatchObject({ dataShards: 2, totalShards: 3 });
    expect((await asked('nosuch')).code).toBe('durability_unknown');
    const before = await network.client.credit();
    const object = someObject(network.fixture, { dataShards: 1 });
    const put = (durability: string, what = object): Promise<{ code?: string | undefined }> =>
      network.client.post('/v1/puts', { objects: [what], durability });
    expect((await put('nosuch')).code).toBe('durability_unknown');
    expect((await put('second-copy')).code).toBe('redundancy_changed');
    expect((await put('archive')).code).toBeUndefined();
    // A third of 2.5 times the object's 1,000 bytes, rounded up.
    expect((await network.client.credit()).reserved).toBe(before.reserved + 3 * 834);
    // Asked again without its class, its shards cost what they did.
    expect((await network.client.post('/v1/puts', { objects: [object] })).code).toBeUndefined();
    expect((await network.client.credit()).reserved).toBe(before.reserved + 6 * 834);
    await network.endAll();
    expect(await network.client.credit()).toEqual(before);
  });
});

describe('GET /v1/credit', () => {
  it('tells the purses, how hosting came to them by day and machine, and what they buy', async () => {
    await open();
    await network.store();
    await passWholeDay();
    const [host] = network.hosts as [TestPeer];
    const { body } = await host.get<CreditAnswer>('/v1/credit');
    const { withheld } = await host.credit();
    expect(body.credit).toEqual({ available: `${OPENING_CREDIT}`, reserved: '0', used: '0', withheld: `${withheld}` });
    expect(body.allowance).toMatchObject({ windowDays: WINDOW_DAYS, earned: '0', granted: '0', owed: '0' });
    expect(Number(body.allowance.withheld)).toBeGreaterThan(0);
    expect(body.proved.length).toBeGreaterThan(0);
    for (const day of body.proved) expect(day).toMatchObject({ peerId: host.peerId, name: 'box', withheld: true });
    expect(body.movements.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['withhold']));
    expect(body.classes).toMatchObject([
      {
        durability: 'second-copy',
        ratio: 1.5,
        isDefault: true,
        code: { dataShards: 1, totalShards: 2 },
        backupBytes: `${Math.floor(OPENING_CREDIT / 1.5)}`,
        survival: { basis: 'assumed', lossesPerHostYear: expect.closeTo(0.25, 2) },
      },
      {
        durability: 'archive',
        ratio: 2.5,
        isDefault: false,
        code: null,
        backupBytes: `${OPENING_CREDIT / 2.5}`,
        survival: null,
      },
    ]);
  });
});
