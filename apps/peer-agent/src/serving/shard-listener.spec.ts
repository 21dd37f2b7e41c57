// The host over real mutual TLS: what it stores and serves, and every way in which it refuses.
import { randomBytes } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { chmod, readdir, rm } from 'node:fs/promises';
import type { Server } from 'node:https';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '#database';
import { AGENT_MIGRATIONS } from '#migrations/agent/index';
import { ALPN_SHARDS, contentIdOf, decodeReceipt, es256Verifier, TransactionKey } from '#protocol';
import {
  AgentFixture,
  CLIENT_ID,
  codeOf,
  HOST_ID,
  pathOf,
  receiptOf,
  SHARE_BYTES,
} from '../../../../test/agent-fixture.js';
import { TestAuthority } from '../../../../test/authority.js';
import { peerIdOf } from '../../../../test/peer-fixture.js';

const MINUTE_MS = 60_000;
const SHARD = randomBytes(300_001);
const CID = contentIdOf(SHARD);

let host: AgentFixture;

beforeEach(async () => {
  host = await AgentFixture.start();
});

afterEach(async () => {
  await host.stop();
});

/** Shards and temp files on the disk, and rows in the index. */
async function storedThings(): Promise<{ files: string[]; rows: number }> {
  const found = await readdir(join(host.home.path, 'shards'), { recursive: true });
  const [row] = await host.read((reads) => reads.query<{ count: number }[]>('SELECT count(*) AS count FROM shard'));
  return { files: found.filter((name) => name.includes('/')), rows: Number(row!.count) };
}

async function reported(): Promise<unknown[]> {
  await host.agent.triggers.reports();
  return host.broker.reports;
}

describe('a put', () => {
  it('stores the shard, answers with a receipt that holds, and reports it once', async () => {
    const claims = host.claims('put', SHARD);
    const answer = await host.put(SHARD, host.seal(claims));
    expect(answer.status).toBe(201);
    const receipt = decodeReceipt(receiptOf(answer), es256Verifier(host.home.certificate().pem));
    expect(receipt).toMatchObject({
      transactionId: claims.transactionId,
      hostId: HOST_ID,
      clientId: CLIENT_ID,
      items: [{ cid: CID, sizeBytes: SHARD.length, result: 'stored' }],
    });
    expect(await reported()).toEqual([
      { outcome: 'done', transactionId: claims.transactionId, receipt: receiptOf(answer) },
    ]);
    expect(await storedThings()).toMatchObject({ files: [expect.stringMatching(/^..\/[0-9a-f]{64}$/)], rows: 1 });
    expect(await reported()).toHaveLength(1);
  });

  it('answers the same token with the same receipt and takes no byte, also after a restart and when full', async () => {
    const token = host.token('put', SHARD);
    const first = receiptOf(await host.put(SHARD, token));
    const again = await host.put(SHARD, token, { body: new Uint8Array(), contentLength: 0 });
    expect([again.status, receiptOf(again)]).toEqual([200, first]);
    await host.home.setShare(0);
    await host.agent.stop();
    await host.restart();
    const afterRestart = await host.put(SHARD, token);
    expect([afterRestart.status, receiptOf(afterRestart)]).toEqual([200, first]);
    expect(await reported()).toHaveLength(1);
  });

  it('keeps the same bytes of two transactions once, with a row for each', async () => {
    await host.put(SHARD);
    await host.put(SHARD);
    expect(await storedThings()).toMatchObject({ files: { length: 1 }, rows: 1 });
    const refs = await host.read((reads) => reads.query<unknown[]>('SELECT * FROM shard_ref'));
    expect(refs).toHaveLength(2);
    await host.agent.triggers.presence();
    expect(host.broker.presences.at(-1)?.host).toMatchObject({ usedBytes: SHARD.length, shareBytes: SHARE_BYTES });
  });

  it('takes a body without a declared length', async () => {
    expect((await host.put(SHARD, host.token('put', SHARD), { contentLength: null })).status).toBe(201);
  });

  it('frees the token when the network cuts it off, three times and no more', async () => {
    const token = host.token('put', SHARD);
    for (let i = 0; i < 4; i++) {
      await cutOffPut(token);
      await host.agent.triggers.presence();
    }
    const answer = await host.put(SHARD, token);
    expect(codeOf(answer)).toBe('token_released_too_often');
    expect(await storedThings()).toEqual({ files: [], rows: 0 });
    expect(await reported()).toContainEqual(
      expect.objectContaining({ outcome: 'failed', code: 'token_released_too_often' }),
    );
  });

  it('takes the shard on the fourth try when three were cut off, one of them before a clean restart', async () => {
    const token = host.token('put', SHARD);
    await cutOffPut(token);
    await host.agent.stop();
    await host.restart();
    await cutOffPut(token);
    await cutOffPut(token);
    expect((await host.put(SHARD, token)).status).toBe(201);
  });

  /** Sends half of the shard, and goes; resolves when the host has given the token back. */
  async function cutOffPut(token: string): Promise<void> {
    const releases = async () =>
      host.read((reads) => reads.query<{ releases: number }[]>('SELECT releases FROM used_token'));
    const before = (await releases())[0]?.releases ?? 0;
    const socket = connect({ ...tlsOptions(), port: host.agent.port });
    socket.write(
      `PUT ${pathOf(CID)} HTTP/1.1\r\nHost: x\r\nAuthorization: Peerkeep ${token}\r\nContent-Length: ${SHARD.length}\r\n\r\n`,
    );
    await new Promise<void>((resolve) => socket.write(SHARD.subarray(0, SHARD.length / 2), () => resolve()));
    socket.destroy();
    while (((await releases())[0]?.releases ?? 0) === before);
  }

  it('refuses a second presentation while the first one runs', async () => {
    const token = host.token('put', SHARD);
    const socket = connect({ ...tlsOptions(), port: host.agent.port });
    socket.write(
      `PUT ${pathOf(CID)} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nAuthorization: Peerkeep ${token}\r\nContent-Length: ${SHARD.length}\r\n\r\n`,
    );
    const proceed = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
    expect(proceed.toString()).toContain('100 Continue');
    expect(codeOf(await host.put(SHARD, token))).toBe('token_in_use');
    const done = new Promise<Buffer>((resolve) => socket.once('data', resolve));
    socket.write(SHARD);
    expect((await done).toString()).toContain('201 Created');
    socket.destroy();
  });

  it('ends a transfer that moves less than the least rate in a whole window, and frees its token', async () => {
    const token = host.token('put', SHARD);
    const socket = connect({ ...tlsOptions(), port: host.agent.port });
    socket.write(
      `PUT ${pathOf(CID)} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nAuthorization: Peerkeep ${token}\r\nContent-Length: ${SHARD.length}\r\n\r\n`,
    );
    await new Promise<Buffer>((resolve) => socket.once('data', resolve));
    const refused = new Promise<Buffer>((resolve) => socket.once('data', resolve));
    let text = '';
    refused.then((piece) => (text = piece.toString()));
    while (text === '') {
      await host.agent.triggers.rates();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(text).toContain('transfer_too_slow');
    socket.destroy();
    expect((await host.put(SHARD, token)).status).toBe(201);
  });
});

describe('a put that is refused stores nothing and is reported', () => {
  const other = randomBytes(SHARD.length);
  const changed = Buffer.from(SHARD);
  changed[SHARD.length - 1]! ^= 1;

  const ROWS: readonly {
    name: string;
    status: number;
    code: string;
    outcome: 'failed' | 'refused';
    send: () => ReturnType<AgentFixture['put']>;
  }[] = [
    {
      name: 'no token',
      status: 401,
      code: 'token_missing',
      outcome: 'refused',
      send: () => host.send({ method: 'PUT', path: pathOf(CID), body: SHARD }),
    },
    {
      name: 'a mutated token',
      status: 401,
      code: 'token_invalid',
      outcome: 'refused',
      send: () => host.put(SHARD, mutate(host.token('put', SHARD))),
    },
    {
      name: 'a token under another key',
      status: 401,
      code: 'token_invalid',
      outcome: 'refused',
      send: () => host.put(SHARD, host.seal(host.claims('put', SHARD), new TransactionKey(randomBytes(32)))),
    },
    {
      name: 'a token of another trust domain',
      status: 401,
      code: 'token_invalid',
      outcome: 'refused',
      send: () => host.put(SHARD, host.token('put', SHARD, { trustDomain: 'other.example' })),
    },
    {
      name: 'a token for another host',
      status: 401,
      code: 'token_invalid',
      outcome: 'refused',
      send: () => host.put(SHARD, host.token('put', SHARD, { hostId: peerIdOf(9) })),
    },
    {
      name: 'a token of another client',
      status: 403,
      code: 'token_wrong_client',
      outcome: 'refused',
      send: () => host.put(SHARD, host.token('put', SHARD, { clientId: peerIdOf(9) })),
    },
    {
      name: 'an expired token',
      status: 410,
      code: 'token_expired',
      outcome: 'refused',
      send: () => host.put(SHARD, token({ issuedAtMs: -16, notBeforeMs: -16, expiresAtMs: -6 })),
    },
    {
      name: 'a token that is not valid yet',
      status: 401,
      code: 'token_not_yet_valid',
      outcome: 'refused',
      send: () => host.put(SHARD, token({ issuedAtMs: 6, notBeforeMs: 6, expiresAtMs: 16 })),
    },
    {
      name: 'a get token',
      status: 403,
      code: 'token_wrong_op',
      outcome: 'refused',
      send: () => host.put(SHARD, host.token('get', SHARD)),
    },
    {
      name: 'a token for another shard',
      status: 403,
      code: 'token_wrong_content',
      outcome: 'refused',
      send: () => host.put(SHARD, host.token('put', other)),
    },
    {
      name: 'other bytes of the same length',
      status: 422,
      code: 'shard_content_mismatch',
      outcome: 'failed',
      send: () => host.put(SHARD, undefined, { body: changed }),
    },
    {
      name: 'a shorter body',
      status: 422,
      code: 'shard_too_short',
      outcome: 'failed',
      send: () => host.put(SHARD, undefined, { body: SHARD.subarray(1) }),
    },
    {
      name: 'a shorter body, undeclared',
      status: 422,
      code: 'shard_too_short',
      outcome: 'failed',
      send: () => host.put(SHARD, undefined, { body: SHARD.subarray(1), contentLength: null }),
    },
    {
      name: 'a longer body',
      status: 413,
      code: 'shard_too_long',
      outcome: 'failed',
      send: () => host.put(SHARD, undefined, { body: Buffer.concat([SHARD, other]) }),
    },
    {
      name: 'a longer body, undeclared',
      status: 413,
      code: 'shard_too_long',
      outcome: 'failed',
      send: () => host.put(SHARD, undefined, { body: Buffer.concat([SHARD, other]), contentLength: null }),
    },
    {
      name: 'a shard that passes the share',
      status: 507,
      code: 'host_full',
      outcome: 'failed',
      send: async () => {
        await host.home.setShare(SHARD.length - 1);
        return host.put(SHARD);
      },
    },
  ];

  it.each(ROWS)('$name: $code', async ({ status, code, outcome, send }) => {
    const answer = await send();
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(await storedThings()).toEqual({ files: [], rows: 0 });
    expect(await reported()).toEqual([expect.objectContaining({ outcome, code })]);
  });

  it('burns the token of a transfer that failed for good', async () => {
    const token = host.token('put', SHARD);
    await host.put(SHARD, token, { body: changed });
    expect(codeOf(await host.put(SHARD, token))).toBe('token_burned');
    expect(await storedThings()).toEqual({ files: [], rows: 0 });
  });

  it('leaves a token usable that a thief showed', async () => {
    const token = host.token('put', SHARD);
    const thief = await host.authority.issue(peerIdOf(9));
    expect(codeOf(await host.put(SHARD, token, { identity: thief }))).toBe('token_wrong_client');
    expect((await host.put(SHARD, token)).status).toBe(201);
  });

  it('refuses tokens from before an unclean stop, takes later ones, and still knows the receipts', async () => {
    const early = host.token('put', SHARD);
    const done = host.token('put', other);
    const receipt = receiptOf(await host.put(other, done));
    await host.agent.kill();
    host.clock.advance(2_000);
    await host.restart();
    await host.outliveStart();
    expect(codeOf(await host.put(SHARD, early))).toBe('token_predates_restart');
    expect(receiptOf(await host.put(other, done))).toBe(receipt);
    expect((await host.put(SHARD)).status).toBe(201);
  });

  it('refuses tokens from before the loss of its database, burned ones among them, and takes later ones', async () => {
    const burned = host.token('put', SHARD);
    await host.put(SHARD, burned);
    await host.agent.stop();
    for (const name of ['agent.db', 'agent.db-wal', 'agent.db-shm'])
      await rm(join(host.home.path, name), { force: true });
    // One that never acknowledged this home; others want its owner's word first.
    host.broker.acknowledged = null;
    host.clock.advance(1);
    await host.restart();
    const announced = host.broker.presences.length;
    expect(codeOf(await host.put(SHARD, burned))).toBe('token_predates_restart');
    expect(host.broker.presences).toHaveLength(announced);
    await host.outliveStart();
    expect(codeOf(await host.put(SHARD, burned))).toBe('token_predates_restart');
    expect((await host.put(SHARD)).status).toBe(201);
  });

  it('says nothing of its own troubles: a home that is damaged is a mistake of the host', async () => {
    const token = host.token('put', SHARD);
    const file = join(host.home.path, 'transaction-keys.json');
    await chmod(file, 0o644);
    const answer = await host.put(SHARD, token);
    await chmod(file, 0o600);
    expect([answer.status, codeOf(answer)]).toEqual([500, 'internal']);
    expect(answer.body.toString()).not.toContain(host.home.path);
    expect((await host.put(SHARD, token)).status).toBe(201);
    expect(await reported()).toMatchObject([{ outcome: 'done' }]);
  });

  it('answers other paths and methods without a word about tokens', async () => {
    expect(codeOf(await host.send({ path: '/' }))).toBe('route_unknown');
    expect(codeOf(await host.send({ method: 'PATCH', path: pathOf(CID) }))).toBe('route_unknown');
    expect(codeOf(await host.send({ path: '/shards/..%2f..%2fpeer.json', token: 'x' }))).toBe('request_invalid');
    expect(await reported()).toEqual([]);
  });

  function token(minutes: { issuedAtMs: number; notBeforeMs: number; expiresAtMs: number }): string {
    const nowMs = host.clock.nowMs();
    return host.token('put', SHARD, {
      issuedAtMs: nowMs + minutes.issuedAtMs * MINUTE_MS,
      notBeforeMs: nowMs + minutes.notBeforeMs * MINUTE_MS,
      expiresAtMs: nowMs + minutes.expiresAtMs * MINUTE_MS,
    });
  }
});

describe('a get', () => {
  it('serves the bytes, then the receipt; a repeat moves no byte and shows the same receipt', async () => {
    await host.put(SHARD);
    const token = host.token('get', SHARD);
    const answer = await host.get(SHARD, token);
    expect(answer.status).toBe(200);
    expect(answer.body.equals(SHARD)).toBe(true);
    const receipt = answer.trailers['peerkeep-receipt']!;
    expect(decodeReceipt(receipt, es256Verifier(host.home.certificate().pem)).items[0]?.result).toBe('served');
    const again = await host.get(SHARD, token);
    expect([again.status, codeOf(again), again.headers['peerkeep-receipt']]).toEqual([409, 'token_burned', receipt]);
    expect(await reported()).toContainEqual(expect.objectContaining({ outcome: 'done', receipt }));
  });

  it('refuses a shard that it does not have, and says so to the broker', async () => {
    const answer = await host.get(SHARD);
    expect([answer.status, codeOf(answer)]).toEqual([404, 'shard_unknown']);
    expect(await reported()).toEqual([expect.objectContaining({ outcome: 'failed', code: 'shard_unknown' })]);
  });

  it('of a client that takes less than the least rate is cut off, and its token is good again', async () => {
    const large = randomBytes(24_000_000);
    await host.put(large);
    const token = host.token('get', large);
    const socket = connect({ ...tlsOptions(), port: host.agent.port });
    socket.on('error', () => undefined);
    socket.write(`GET ${pathOf(contentIdOf(large))} HTTP/1.1\r\nHost: x\r\nAuthorization: Peerkeep ${token}\r\n\r\n`);
    // Nothing is read: what the sockets hold is sent, and then no more.
    socket.pause();
    while ((await releases())[0]?.releases !== 1) await host.agent.triggers.rates();
    socket.destroy();
    expect((await host.get(large, token)).body.equals(large)).toBe(true);
  });

  const releases = () =>
    host.read((reads) => reads.query<{ releases: number }[]>('SELECT releases FROM used_token WHERE burned = 0'));

  it('refuses a put token', async () => {
    await host.put(SHARD);
    expect(codeOf(await host.get(SHARD, host.token('put', SHARD)))).toBe('token_wrong_op');
  });
});

describe('a connection', () => {
  it('without a client certificate gets no HTTP at all', async () => {
    expect(await heard({ ca: host.authority.caPem })).toBe('');
  });

  it('with a certificate of another authority gets no HTTP at all', async () => {
    const foreign = await (await TestAuthority.create()).issue(CLIENT_ID);
    expect(await heard({ ca: host.authority.caPem, cert: foreign.certificatePem, key: foreign.privateKeyPem })).toBe(
      '',
    );
  });

  it.each(['http/1.1', 'peerkeep-shards/2'])('that speaks %s gets no HTTP at all', async (alpn) => {
    expect(await heard({ ...tlsOptions(), ALPNProtocols: [alpn] })).toBe('');
  });

  it('that names no application gets no HTTP at all', async () => {
    expect(await heard({ ...tlsOptions(), ALPNProtocols: [] })).toBe('');
  });

  it.each([
    ['of another trust domain', `spiffe://other.example/peer/${CLIENT_ID}`],
    ['of nobody', 'https://backup.example/'],
  ])('with a certificate %s gets no HTTP at all', async (_name, value) => {
    const identity = await host.authority.issueNames([{ type: 'url', value }]);
    const own = { cert: identity.certificatePem, key: identity.privateKeyPem };
    expect(await heard({ ...tlsOptions(), ...own })).toBe('');
  });

  it('with an expired certificate gets no HTTP at all', async () => {
    const identity = await host.authority.issue(CLIENT_ID, { notAfterMs: Date.now() - MINUTE_MS });
    expect(await heard({ ...tlsOptions(), cert: identity.certificatePem, key: identity.privateKeyPem })).toBe('');
  });

  it('of TLS 1.2 gets no HTTP at all', async () => {
    expect(await heard({ ...tlsOptions(), maxVersion: 'TLSv1.2' })).toBe('');
  });

  it('that cannot be accepted ends nothing but itself', async () => {
    const servers: Server[] = [];
    const onRequest = (message: unknown) => servers.push((message as { server: Server }).server);
    subscribe('http.server.request.start', onRequest);
    await host.send({ path: '/' });
    unsubscribe('http.server.request.start', onRequest);
    const [server] = servers;
    // As node:net does when accept(2) fails.
    server!.emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' }));
    expect((await host.put(SHARD)).status).toBe(201);
  });

  it('of a peer gets an answer (so that the silence above means something)', async () => {
    expect(await heard(tlsOptions())).toContain('token_missing');
  });

  /** All that the host says to a request on such a connection, until it is closed. */
  function heard(options: object): Promise<string> {
    return new Promise((resolve) => {
      let text = '';
      const socket = connect({
        checkServerIdentity: () => undefined,
        ALPNProtocols: [ALPN_SHARDS],
        ...options,
        port: host.agent.port,
      });
      socket.on('error', () => undefined);
      socket.on('data', (piece) => (text += piece.toString('latin1')));
      socket.on('close', () => resolve(text));
      socket.write(`GET ${pathOf(CID)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    });
  }
});

describe('a host whose database is held by another process', () => {
  // As long as a write waits for it: BUSY_TIMEOUT_MS of real time, the database's own.
  it('gives tokens back, stays in use, and serves them when it has its database again', async () => {
    const stored = randomBytes(500_000);
    await host.put(stored);
    const [put, get] = [host.token('put', SHARD), host.token('get', stored)];
    const file = join(host.home.path, 'agent.db');
    const other = await openDatabase({ file, entities: [], migrations: AGENT_MIGRATIONS });
    await other.writes.run(async () => {
      const [refused, cutOff] = await Promise.allSettled([host.put(SHARD, put), host.get(stored, get)]);
      expect(refused).toMatchObject({ status: 'fulfilled', value: { status: 429 } });
      expect(cutOff.status).toBe('rejected');
    });
    await other.close();
    expect((await host.put(SHARD, put)).status).toBe(201);
    expect((await host.get(stored, get)).body.equals(stored)).toBe(true);
    expect(await reported()).toMatchObject([{ outcome: 'done' }, { outcome: 'done' }, { outcome: 'done' }]);
  });
});

describe('stopping and the broker', () => {
  it('serves with the broker down, keeps the receipts over a restart, and delivers them when it is back', async () => {
    host.broker.isDown = true;
    await host.put(SHARD);
    await host.get(SHARD);
    await expect(host.agent.triggers.reports()).rejects.toMatchObject({ code: 'broker_unreachable' });
    await host.agent.stop();
    await host.restart();
    host.broker.isDown = false;
    expect(await reported()).toMatchObject([{ outcome: 'done' }, { outcome: 'done' }]);
  });

  it('drops a report that the broker will never take, and keeps nothing of it', async () => {
    host.broker.resultOf = () => 'transaction_unknown';
    await host.put(SHARD);
    await reported();
    expect(await reported()).toHaveLength(1);
  });

  it('says what it offers, and takes leave when it stops', async () => {
    await host.put(SHARD);
    await host.agent.triggers.presence();
    const offer = host.broker.presences.at(-1)?.host;
    expect(offer).toEqual({
      listenPort: host.agent.port,
      shareBytes: SHARE_BYTES,
      usedBytes: SHARD.length,
      freeBytes: SHARE_BYTES - SHARD.length,
    });
    await host.agent.stop();
    expect(host.broker.presences.at(-1)?.host).toBeNull();
    await host.restart();
  });

  it('refuses a second agent on the same home', async () => {
    await expect(host.restart()).rejects.toMatchObject({ code: 'data_dir_in_use' });
  });
});

function tlsOptions() {
  return {
    ca: host.authority.caPem,
    cert: host.client.certificatePem,
    key: host.client.privateKeyPem,
    ALPNProtocols: [ALPN_SHARDS],
    checkServerIdentity: () => undefined,
  };
}

function mutate(token: string): string {
  const at = token.length / 2;
  return token.slice(0, at) + (token[Math.floor(at)] === 'A' ? 'B' : 'A') + token.slice(Math.floor(at) + 1);
}
