// Keys that turn over, end to end: traffic goes on while they are renewed, and a machine that is shut out is shut out
// everywhere, its tokens too.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { PeerHome } from '#peer-home';
import { CLOCK_SKEW_MS_MAX, type ContentId, contentIdOf, type ObjectId, type PutPermission, uuidV7 } from '#protocol';
import { EXIT } from '../apps/backup-client/src/exit-codes.js';
import { longestTokenLifeMs, parsePolicy } from '../apps/server/src/config/policy.js';
import { TELL_HOSTS_WAIT_MS } from '../apps/server/src/limits.js';
import { changePeerState } from '../apps/server/src/peers/change-peer-state.js';
import { BrokerDatabase } from '../apps/server/src/platform/broker-database.js';
import { peerkeepHere, type Spoken } from './command-here.js';
import { runTraffic } from './key-traffic.js';
import { type RawShardRequest, sendRaw } from './raw-request.js';
import { shareWorld } from './shared-world.js';
import { refusalOf, type World, type WorldClient, type WorldHost } from './world.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const TOKEN_LIFE_MS = 15 * MINUTE_MS;
const ONE_SHARD = { hosts: 1, dataShards: 1, totalShards: 1, safeShards: 1 };
const policy = { redundancy: [ONE_SHARD], tokenLifeMs: TOKEN_LIFE_MS, presenceTtlMs: 24 * 60 * MINUTE_MS };

type Machine = { readonly home: PeerHome };

interface Permitted {
  readonly bytes: Buffer;
  readonly cid: ContentId;
  readonly permission: PutPermission;
  readonly host: WorldHost;
}

async function permitPut(world: World, client: Machine): Promise<Permitted> {
  const bytes = randomBytes(50_000);
  const cid = contentIdOf(bytes);
  const objectId = uuidV7<ObjectId>(world.clock.nowMs(), randomBytes(10));
  const shards = [{ index: 0, cid, sizeBytes: bytes.length }];
  const object = { objectId, kind: 'data', sizeBytes: bytes.length, dataShards: 1, totalShards: 1 } as const;
  const answer = await world.askBroker(client, (broker) =>
    broker.beginPut({ objects: [{ ...object, shards, avoid: [] }] }),
  );
  const permission = answer.objects[0]!.permissions[0]!;
  return { bytes, cid, permission, host: world.hostOf(permission.host.peerId) };
}

const putRequest = ({ cid, permission, bytes }: Permitted): RawShardRequest => ({
  method: 'PUT',
  cid,
  token: permission.token,
  body: bytes,
});

describe('keys that are renewed under traffic', () => {
  const world = shareWorld({ hosts: 1, policy });

  it('refuse none of 1,000 requests while host and client renew twice each (B5)', async () => {
    const client = await world().addClient();
    const host = world().hosts[0]!;
    const pace = async (): Promise<void> => undefined;
    const result = await runTraffic({ world: world(), client, host, requests: 1_000, atOnce: 4, pace });
    console.info(JSON.stringify(result));
    expect(result).toMatchObject({ refused: [], renewals: 4 });
    expect(result.requests).toBeGreaterThanOrEqual(1_000);
    for (const { home } of [client, host]) expect(home.transactionKeys().older).toHaveLength(1);
  });

  it('take tokens under every key that was replaced, to the end of the token and the skew (B5)', async () => {
    const client = await world().addClient();
    const host = world().hosts[0]!;
    const tokens = [await permitPut(world(), client)];
    for (let renewal = 0; renewal < 3; renewal++) {
      await world().askBroker(host, (broker) => broker.renewTransactionKey());
      tokens.push(await permitPut(world(), client));
    }
    await world().pass(TOKEN_LIFE_MS + CLOCK_SKEW_MS_MAX - SECOND_MS);
    await world().settle();
    for (const put of tokens) expect((await sendRaw(host, client.home, putRequest(put))).status).toBe(201);
    // When no token of any kind can be under them, the keys go, with the next renewal.
    await world().pass(longestTokenLifeMs(parsePolicy(policy)) + 2 * CLOCK_SKEW_MS_MAX);
    await world().askBroker(host, (broker) => broker.renewTransactionKey());
    expect(host.home.transactionKeys().older).toEqual([]);
  });

  it('turn over by themselves: an agent renews when the broker says that it is time (B5)', async () => {
    const host = world().hosts[0]!;
    const before = host.home.transactionKeys().current.kid;
    await world().pass(29 * 24 * 60 * MINUTE_MS);
    expect(host.home.transactionKeys().current.kid).toBe(before);
    await world().pass(2 * 24 * 60 * MINUTE_MS);
    const after = host.home.transactionKeys().current.kid;
    expect(after).not.toBe(before);
    const current = await world().brokerRows<{ kid: string }>(
      "SELECT kid FROM transaction_keys WHERE peer_id = $1 AND state = 'current'",
      [host.peerId],
    );
    expect(current).toEqual([{ kid: after }]);
  });
});

describe('a machine that is shut out', () => {
  const world = shareWorld({ hosts: 2, policy });
  let owner: WorldClient;
  beforeAll(async () => {
    owner = await world().addClient('owner');
  });

  const addMachine = async (name: string): Promise<Machine> => ({
    home: await world().enrol(name, { account: owner.home.identity.accountId }),
  });
  const revoke = ({ home }: Machine, reason = '') =>
    world().askBroker(owner, (broker) => broker.revokePeer(home.identity.peerId, reason));

  async function toldRevoked(host: WorldHost, { home }: Machine): Promise<number> {
    const rows = await world().brokerRows<{ failures: number }>(
      `SELECT failures FROM peer_failures WHERE host_id = $1 AND client_id = $2 AND code = 'token_client_revoked'`,
      [host.peerId, home.identity.peerId],
    );
    return rows.reduce((sum, { failures }) => sum + Number(failures), 0);
  }

  it('cannot use a token that it has, once hosts have heard, and they tell the broker', async () => {
    const lost = await addMachine('lost');
    const put = await permitPut(world(), lost);
    await revoke(lost, 'stolen');
    await world().pass(0);
    const files = await put.host.shardFiles();
    expect(await sendRaw(put.host, lost.home, putRequest(put))).toMatchObject({
      status: 403,
      code: 'token_client_revoked',
    });
    expect(await put.host.shardFiles()).toEqual(files);
    await world().settle();
    expect(await toldRevoked(put.host, lost)).toBe(1);
    expect(await refusalOf(permitPut(world(), lost))).toBe('peer_revoked');
    // Others' tokens are as good as before.
    const own = await permitPut(world(), owner);
    expect((await sendRaw(own.host, owner.home, putRequest(own))).status).toBe(201);
  });

  it('ends the transfer that it began, and begins no other', async () => {
    const lost = await addMachine('busy');
    const [running, later] = [await permitPut(world(), lost), await permitPut(world(), lost)];
    const pause = async (): Promise<void> => {
      await revoke(lost);
      await world().pass(0);
      expect((await sendRaw(later.host, lost.home, putRequest(later))).code).toBe('token_client_revoked');
    };
    expect((await sendRaw(running.host, lost.home, { ...putRequest(running), pause })).status).toBe(201);
    await world().settle();
    const [row] = await world().brokerRows<{ host_outcome: string }>(
      'SELECT host_outcome FROM transactions WHERE id = $1',
      [running.permission.transactionId],
    );
    expect(row).toEqual({ host_outcome: 'done' });
  });

  it('gets no new shards as a host, and those it has are fetched from nobody', async () => {
    const put = await permitPut(world(), owner);
    expect((await sendRaw(put.host, owner.home, putRequest(put))).status).toBe(201);
    await world().settle();
    const change = { by: 'operator', action: 'revoke', reason: 'sold', ofAccount: null } as const;
    await operate({ ...change, peerId: put.host.peerId });
    expect(await refusalOf(put.host.agent.triggers.presence())).toBe('peer_revoked');
    for (let i = 0; i < 4; i++) expect((await permitPut(world(), owner)).host).not.toBe(put.host);
    await put.host.stop();
  });

  /** As the operator's command, in a process of its own. */
  async function operate(change: Omit<Parameters<typeof changePeerState>[1], 'atMs'>): Promise<void> {
    const database = await BrokerDatabase.open(join(world().dataDir, 'broker.db'));
    await database.write((db) => changePeerState(db, { ...change, atMs: world().clock.nowMs() }));
    await database.close();
    await world().broker.noticeChangesNow();
  }
});

describe('hosts that announce themselves every ten minutes', () => {
  const intervals = { presenceIntervalMs: 10 * MINUTE_MS, probeIntervalMs: 10 * MINUTE_MS };
  const world = shareWorld({ hosts: 3, policy: { ...policy, ...intervals } });

  /** When each host last heard the broker's answer, as it wrote it down after it took the answer in. */
  const heardAtMs = async (): Promise<number[]> => {
    const rows = await Promise.all(
      world().hosts.map((host) => host.rows<{ ms: number }>('SELECT last_contact_ms AS ms FROM agent_state')),
    );
    return rows.map(([row]) => row!.ms);
  };
  // The broker tells its time in whole seconds.
  const allHeardSince = (ms: number): Promise<void> =>
    vi.waitFor(async () => expect(Math.min(...(await heardAtMs()))).toBeGreaterThanOrEqual(ms - (ms % SECOND_MS)), {
      timeout: 20_000,
      interval: 50,
    });

  it.each(['revoke', 'suspend'] as const)('hear of a machine that is shut out (%s) at once (B5)', async (action) => {
    const lost = await world().addClient(`lost-${action}`);
    const put = await permitPut(world(), lost);
    // What the first probes asked of the hosts has been said.
    world().clock.advance(2 * SECOND_MS);
    await world().pass(2 * SECOND_MS);
    world().clock.advance(2 * SECOND_MS);
    const database = await BrokerDatabase.open(join(world().dataDir, 'broker.db'));
    const atMs = world().clock.nowMs();
    const change = { peerId: lost.peerId, action, by: 'operator', reason: '', ofAccount: null, atMs } as const;
    await database.write((db) => changePeerState(db, change));
    await database.close();
    await world().broker.noticeChangesNow();
    world().clock.advance(TELL_HOSTS_WAIT_MS);
    await allHeardSince(atMs + TELL_HOSTS_WAIT_MS);
    expect((await sendRaw(put.host, lost.home, putRequest(put))).code).toBe('token_client_revoked');
  });

  it('are probed once for several that are shut out within a second', async () => {
    world().clock.advance(2 * SECOND_MS);
    await world().pass(2 * SECOND_MS);
    const probes = async (): Promise<number> => {
      const rows = await Promise.all(
        world().hosts.map((host) => host.rows<{ n: number }>('SELECT COUNT(*) AS n FROM used_token')),
      );
      return rows.reduce((sum, [row]) => sum + row!.n, 0);
    };
    const before = await probes();
    const owner = await world().addClient('owner');
    const { accountId } = owner.home.identity;
    const mine = [];
    for (let i = 0; i < 3; i++) mine.push(await world().enrol(`mine-${i}`, { account: accountId }));
    for (const { identity } of mine) await world().askBroker(owner, (broker) => broker.revokePeer(identity.peerId, ''));
    const atMs = world().clock.nowMs();
    world().clock.advance(TELL_HOSTS_WAIT_MS);
    await allHeardSince(atMs + TELL_HOSTS_WAIT_MS);
    world().clock.advance(TELL_HOSTS_WAIT_MS);
    expect(await probes()).toBe(before + world().hosts.length);
  });
});

describe('peerkeep peers', () => {
  const world = shareWorld({ hosts: 0, policy });

  it('lists the machines of the account and revokes one by its name, its id, and no other', async () => {
    const owner = await world().addClient('desk');
    const { accountId } = owner.home.identity;
    // The list is in the order of enrolment: no two in one millisecond.
    world().clock.advance(SECOND_MS);
    const laptop = await world().enrol('laptop', { account: accountId });
    world().clock.advance(SECOND_MS);
    const twin = await world().enrol('twin', { account: accountId });
    const other = await world().enrol('stranger');
    const place = { home: owner.home.path, clock: world().clock, log: world().log };
    const run = (...args: string[]): Promise<Spoken> => peerkeepHere(place, 'peers', ...args);
    expect((await run('revoke', 'laptop', '--reason', 'left on the train')).stdout).toContain(laptop.identity.peerId);
    expect(JSON.parse((await run('revoke', twin.identity.peerId, '--json')).stdout)).toMatchObject({
      state: 'revoked',
    });
    expect(await run('revoke', other.identity.peerId)).toMatchObject({ code: EXIT.error, stdout: '' });
    expect(await run('revoke', 'desk')).toMatchObject({ code: EXIT.error, stdout: '' });
    expect(await run('revoke')).toMatchObject({ code: EXIT.usage, stdout: '' });
    const listed = (await run('ls')).stdout.split('\n');
    expect(listed).toHaveLength(6);
    expect(listed[2]).toMatch(/laptop +revoked .* by the owner left on the train$/);
    expect(listed[4]).toBe('3 machines');
    expect(listed[5]).toBe('');
    expect(await refusalOf(world().askBroker({ home: laptop }, (broker) => broker.peerStatus()))).toBe('peer_revoked');
  });
});
