// Credit follows what really happened: what both ends confirm is paid, what nobody reports is given back.
import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { PeerLink } from '#peer-link';
import {
  contentIdOf,
  type ObjectId,
  type PutPermission,
  type Report,
  TOKEN_LIFE_SHORT_MS_MAX,
  uuidV7,
} from '#protocol';
import { shareWorld } from './shared-world.js';
import type { WorldClient } from './world.js';

const REPORT_GRACE_MS = 10 * 60_000;
const SHARD_BYTES = 20_000;
const world = shareWorld({ hosts: 2, policy: { reportGraceMs: REPORT_GRACE_MS } });
let client: WorldClient;
beforeAll(async () => {
  client = await world().addClient();
});

/** What all hosts have in credit: reports do not move it. */
async function creditOfHosts(): Promise<object[]> {
  return Promise.all(world().hosts.map((host) => world().creditOf(host)));
}
/** A copy on each of two hosts, at 1.5 bytes of credit for a byte of backup. */
const chargeOf = (bytes: number): bigint => BigInt(bytes * 0.75);

/** Begin a put of one object of two equal shards, and leave it at that. */
async function beginPut(): Promise<{ bytes: Buffer; permissions: readonly PutPermission[] }> {
  const bytes = randomBytes(SHARD_BYTES);
  const objectId = uuidV7<ObjectId>(world().clock.nowMs(), randomBytes(10));
  const shards = [0, 1].map((index) => ({ index, cid: contentIdOf(bytes), sizeBytes: bytes.length }));
  const code = { dataShards: 1, totalShards: 2, sizeBytes: bytes.length };
  const answer = await world().askBroker(client, (broker) =>
    broker.beginPut({ objects: [{ objectId, kind: 'data', ...code, shards, avoid: [] }] }),
  );
  return { bytes, permissions: answer.objects[0]!.permissions };
}

/** Store what was permitted, and keep the receipts to oneself. */
async function putAll({ bytes, permissions }: Awaited<ReturnType<typeof beginPut>>): Promise<Report[]> {
  const link = new PeerLink({ home: client.home, clock: world().clock, log: world().log });
  try {
    return await Promise.all(
      permissions.map(async ({ host, token, transactionId }) => {
        const { receipt } = await link.putShard({ host, token, transactionId, cid: contentIdOf(bytes), bytes });
        return { outcome: 'done' as const, transactionId, receipt };
      }),
    );
  } finally {
    await link.close();
  }
}

async function statesOf(permissions: readonly PutPermission[]): Promise<string[]> {
  const states: string[] = [];
  for (const { transactionId } of permissions) {
    const rows = await world().brokerRows<{ state: string }>('SELECT state FROM transactions WHERE id = $1', [
      transactionId,
    ]);
    states.push(...rows.map(({ state }) => state));
  }
  return states;
}

async function endExpired(): Promise<void> {
  await world().pass(TOKEN_LIFE_SHORT_MS_MAX + REPORT_GRACE_MS + 1);
  await world().broker.endExpiredNow();
}

describe('the ledger', () => {
  it('charges exactly what is stored, when both ends have spoken, and gives nothing to who hosts for it (B19, B22)', async () => {
    const hostsBefore = await creditOfHosts();
    const before = await world().creditOf(client);
    const source = await world().writeFiles('source', { 'a.bin': randomBytes(150_000), 'b.txt': 'b' });
    const { storedBytes, objects } = await client.backup(source);
    await world().settle();

    const after = await world().creditOf(client);
    const [charged] = await world().brokerRows<{ charge: number }>('SELECT SUM(charge) AS charge FROM shards');
    expect(before.available - after.available).toBe(BigInt(charged!.charge));
    // Each shard's charge is rounded up.
    expect(charged!.charge - Number(chargeOf(storedBytes))).toBeLessThan(2 * objects);
    expect(charged!.charge).toBeGreaterThanOrEqual(Number(chargeOf(storedBytes)));
    expect(after).toMatchObject({ reserved: 0n, used: BigInt(charged!.charge) });
    expect(await creditOfHosts()).toEqual(hostsBefore);
    const said = await world().brokerRows(
      `SELECT state, client_outcome, host_outcome, count(*) AS puts FROM transactions WHERE op = 'put' GROUP BY 1, 2, 3`,
    );
    expect(said).toEqual([{ state: 'settled', client_outcome: 'done', host_outcome: 'done', puts: objects * 2 }]);
    const onDisk = await Promise.all(
      world().hosts.map((host) => host.rows<{ used_bytes: number }>('SELECT used_bytes FROM agent_state')),
    );
    expect(onDisk.flat().reduce((sum, { used_bytes }) => sum + used_bytes, 0)).toBe(storedBytes);
  });

  it('gives back what was set aside for a put that nobody reported on (B19)', async () => {
    const before = await world().creditOf(client);
    const { permissions } = await beginPut();
    const reserved = chargeOf(2 * SHARD_BYTES);
    expect(await world().creditOf(client)).toMatchObject({ reserved, available: before.available - reserved });
    await world().broker.endExpiredNow();
    expect(await statesOf(permissions)).toEqual(['issued', 'issued']);
    await endExpired();
    expect(await world().creditOf(client)).toEqual(before);
    expect(await statesOf(permissions)).toEqual(['void', 'void']);
  });

  it('keeps it set aside when the hosts have proven that they store, and the client keeps silent (B19, B25)', async () => {
    const before = await world().creditOf(client);
    const begun = await beginPut();
    const reports = await putAll(begun);
    await world().settle();
    await endExpired();
    expect(await statesOf(begun.permissions)).toEqual(['unconfirmed', 'unconfirmed']);
    expect((await world().creditOf(client)).reserved).toBe(chargeOf(2 * SHARD_BYTES));

    // It speaks at last, and more than once: that is paid once.
    for (let i = 0; i < 3; i++) {
      const { results } = await world().askBroker(client, (broker) => broker.sendReports({ reports }));
      expect(results).toEqual(['recorded', 'recorded']);
    }
    expect(await statesOf(begun.permissions)).toEqual(['settled', 'settled']);
    const after = await world().creditOf(client);
    const charge = chargeOf(2 * SHARD_BYTES);
    expect(after).toMatchObject({ reserved: 0n, available: before.available - charge, used: before.used + charge });
  });

  it('moves nothing for a receipt of another transaction, or of another peer (B25)', async () => {
    const begun = await beginPut();
    const [first, second] = (await putAll(begun)) as [Report & { outcome: 'done' }, Report & { outcome: 'done' }];
    const swapped = [
      { ...first, receipt: second.receipt },
      { ...second, receipt: first.receipt },
    ];
    const before = [await world().creditOf(client), ...(await creditOfHosts())];
    const { results } = await world().askBroker(client, (broker) => broker.sendReports({ reports: swapped }));
    expect(results.every((result) => result === 'receipt_invalid' || result === 'receipt_mismatch')).toBe(true);
    const stranger = await world().addClient();
    const answer = await world().askBroker(stranger, (broker) => broker.sendReports({ reports: [first] }));
    expect(answer.results).toEqual(['transaction_unknown']);
    expect([await world().creditOf(client), ...(await creditOfHosts())]).toEqual(before);
  });
});
