// Who may talk to whom, and who may see what: one broker's peers only, each account its own objects, nobody the data.
import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { phraseFromMasterKey } from '#backup';
import { PeerLink } from '#peer-link';
import { contentIdOf, type PeerAddress } from '#protocol';
import { sendRaw } from './raw-request.js';
import { shareWorld } from './shared-world.js';
import { TlsHost } from './tls-host.js';
import { refusalOf, World, type WorldClient, type WorldHost } from './world.js';

const MARKER = 'a sentence that only its owner may read';
const SECRET_NAME = 'name-that-only-its-owner-may-read.txt';

const world = shareWorld({ hosts: 2 });
let other: World;
let client: WorldClient;
let stranger: WorldClient;
let host: WorldHost;
beforeAll(async () => {
  other = await World.create({ hosts: 1 });
  client = await world().addClient();
  stranger = await other.addClient();
  host = world().hosts[0]!;
});
afterAll(() => other.close());

const bytes = Buffer.from('some bytes');
const cid = contentIdOf(bytes);

/** The code with which a client's own link refuses, or is refused by, whoever answers at that address. */
async function codeOfPut(by: WorldClient, at: PeerAddress): Promise<string> {
  const link = new PeerLink({ home: by.home, clock: world().clock, log: world().log });
  try {
    return await refusalOf(link.putShard({ host: at, token: 'v3.local.x', cid, bytes }));
  } finally {
    await link.close();
  }
}

/** What a program without our manners gets: null when the host ends the connection before any byte of an answer. */
function firstAnswerOf(alpn: string[] | undefined): Promise<string | null> {
  const { home } = client;
  return new Promise((resolve) => {
    const socket = connect({
      host: '127.0.0.1',
      port: host.agent.port,
      ca: home.caPem,
      cert: home.certificate().pem,
      key: home.privateKeyPem,
      checkServerIdentity: () => undefined,
      ...(alpn === undefined ? {} : { ALPNProtocols: alpn }),
    });
    socket.on('secureConnect', () => socket.write('GET /shards/x HTTP/1.1\r\nhost: x\r\n\r\n'));
    socket.on('data', (data) => {
      resolve(data.toString('latin1').split('\r\n')[0]!);
      socket.destroy();
    });
    // However it ends, what counts is that nothing was answered.
    socket.on('error', () => resolve(null));
    socket.on('close', () => resolve(null));
  });
}

function addressOf(peer: WorldHost, at = peer): PeerAddress {
  return { peerId: peer.peerId, address: '127.0.0.1', port: at.agent.port };
}

describe('peers of different brokers', () => {
  it('do not talk: the client sees that the host is not of its domain, and sends nothing (D1-D3)', async () => {
    expect(await codeOfPut(stranger, addressOf(host))).toBe('peer_untrusted');
    expect(await codeOfPut(client, addressOf(host, other.hosts[0]!))).toBe('peer_untrusted');
  });

  it('do not talk: a host ends the connection of a client that looks away (D1, D2)', async () => {
    const shown = {
      privateKeyPem: stranger.home.privateKeyPem,
      certificate: () => stranger.home.certificate(),
      caPem: host.home.caPem,
    };
    const request = { method: 'PUT', cid, token: 'v3.local.x', body: bytes } as const;
    await expect(sendRaw(host, shown, request)).rejects.toThrow();
    // The same request under a certificate of this domain is heard, and refused for its token.
    expect(await sendRaw(host, client.home, request)).toMatchObject({ code: 'token_invalid' });
  });
});

describe('peers of one broker', () => {
  it('talk to exactly the peer that the broker named (D1, D3)', async () => {
    expect(await codeOfPut(client, addressOf(host, world().hosts[1]!))).toBe('peer_untrusted');
    expect(await codeOfPut(client, addressOf(host))).toBe('token_invalid');
  });

  it('send nothing to a program of the right peer that does not run our application (D2, D3)', async () => {
    const { home, peerId } = host;
    const identity = { certificatePem: home.certificate().pem, privateKeyPem: home.privateKeyPem };
    for (const alpn of [['http/1.1'], []]) {
      const program = await TlsHost.start({ peerId, identity, caPem: home.caPem, alpn, answer: () => undefined });
      try {
        expect(await codeOfPut(client, program.address)).toBe('peer_untrusted');
        expect(program).toMatchObject({ requests: 0, receivedBytes: 0 });
      } finally {
        await program.stop();
      }
    }
  });

  it('get no answer from a host when they ask for another application, or none (D2)', async () => {
    expect(await firstAnswerOf(['http/1.1'])).toBeNull();
    expect(await firstAnswerOf(undefined)).toBeNull();
    expect(await firstAnswerOf(['peerkeep-shards/1'])).toMatch(/^HTTP\/1\.1 4/);
  });
});

/** Every file under a folder, whole. */
async function contentsUnder(folder: string): Promise<Buffer[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return Promise.all(files.map((file) => readFile(join(file.parentPath, file.name))));
}

describe('what is stored', () => {
  let neighbour: WorldClient;
  let source: string;
  beforeAll(async () => {
    neighbour = await world().addClient();
    const content = Buffer.concat([Buffer.from(MARKER), randomBytes(100_000)]);
    source = await world().writeFiles('source', { [SECRET_NAME]: content });
    await client.backup(source);
    await world().settle();
  });

  it('is not to be seen by another account: not in lists, not by its id (B25)', async () => {
    const own = await world().askBroker(client, (broker) => broker.listObjects());
    expect(own.objects.length).toBeGreaterThan(2);
    expect((await world().askBroker(neighbour, (broker) => broker.listObjects())).objects).toEqual([]);
    for (const { objectId } of own.objects) {
      const asked = world().askBroker(neighbour, (broker) => broker.beginGet({ objects: [{ objectId, avoid: [] }] }));
      expect(await refusalOf(asked)).toBe('object_unknown');
    }
    expect(await refusalOf(neighbour.restore(world().path('stolen')))).toBe('snapshot_unknown');
  });

  it('never reaches the broker: neither files, nor names, nor shards (B21)', async () => {
    const shards = (await Promise.all(world().hosts.map(({ shardFolder }) => contentsUnder(shardFolder)))).flat();
    expect(shards.length).toBeGreaterThan(6);
    const atBroker = await contentsUnder(world().dataDir);
    expect(atBroker.some((content) => content.includes(client.peerId))).toBe(true);
    for (const secret of [
      MARKER,
      SECRET_NAME,
      ...shards.map((shard) => shard.subarray(shard.length >> 1).subarray(0, 32)),
    ]) {
      expect(atBroker.some((content) => content.includes(secret))).toBe(false);
    }
  });

  it('reaches hosts only sealed: no file, no name (B20, B25)', async () => {
    for (const { home } of world().hosts) {
      const held = await contentsUnder(home.path);
      expect(held.some((content) => content.includes(MARKER) || content.includes(SECRET_NAME))).toBe(false);
    }
    // The same search finds both where they are meant to be.
    expect((await contentsUnder(source)).some((content) => content.includes(MARKER))).toBe(true);
    expect(await readdir(source)).toContain(SECRET_NAME);
  });

  it('comes back only with the phrase of its account (B7)', async () => {
    const wrong = phraseFromMasterKey(randomBytes(32));
    expect(await refusalOf(world().recoverClient(wrong))).toBe('recovery_proof_invalid');
    const right = await world().recoverClient(await client.phrase());
    expect(await right.restore(world().path('recovered'))).toMatchObject({ files: 1, failed: 0 });
  });

  it('is not mixed with what is there: a restore wants a new or empty folder', async () => {
    const target = await world().writeFiles('occupied', { mine: 'stays' });
    expect(await refusalOf(client.restore(target))).toBe('target_not_empty');
    expect(await readdir(target)).toEqual(['mine']);
    expect((await readFile(join(target, 'mine'))).toString()).toBe('stays');
  });

  it('is found by what is asked for, or the asking is refused', async () => {
    expect(await refusalOf(client.restore(world().path('x'), 'ffffffff'))).toBe('snapshot_unknown');
    expect(await refusalOf(neighbour.backup(world().path('nowhere')))).toBe('path_missing');
    expect(await world().askBroker(neighbour, (broker) => broker.listObjects())).toMatchObject({ objects: [] });
    const [only] = await client.engine.snapshots(client.running());
    const short = only!.id.slice(0, 13);
    expect(await client.restore(world().path('by-prefix'), short)).toMatchObject({ snapshotId: only!.id, files: 1 });
  });
});
