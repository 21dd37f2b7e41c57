// No secret stands in logs, figures, answers to the operator, refusals or databases (B3, B4, B26): whole networks whose every
// secret is known run at the log level debug, and all that they wrote is searched.
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { request } from 'undici';
import { describe, expect, it } from 'vitest';
import type { PeerHome } from '#peer-home';
import type { ContentId, ObjectId } from '#protocol';
import type { AdminRouteEntry } from '../apps/server/src/admin/routes/admin-routes.js';
import { AdminClient } from '../apps/server/src/testing/admin-client.js';
import { BrokerFixture } from '../apps/server/src/testing/broker-fixture.js';
import { SmtpStandIn } from '../apps/server/src/testing/smtp-stand-in.js';
import { beginPut, someObject, TestPeer } from '../apps/server/src/testing/test-peer.js';
import { machineAsks, poll } from '../apps/server/src/testing/waiting-machine.js';
import { PASSWORD, WebVisitor } from '../apps/server/src/testing/web-visitor.js';
import { sendRaw } from './raw-request.js';
import { KeptText, SecretHunt } from './secret-hunt.js';
import { refusalOf, World } from './world.js';

const TOKENS = /v\d\.local\.([\w-]{40,})(?:\.[\w-]+)?/g;
const DATABASES = /\.db(?:-wal)?$/;

/** Every address of the admin interface that only reads, with what stands for the ids in it. */
async function readEverything(
  admin: AdminClient,
  ids: Readonly<Record<string, string>>,
  hunt: SecretHunt,
): Promise<number> {
  const { routes } = (await admin.get('/v1/admin')).body as { routes: AdminRouteEntry[] };
  const paths = routes.filter(({ method }) => method === 'GET').map(({ path }) => path);
  for (const path of paths) {
    const answer = await admin.get(path.replace(/:(\w+)/g, (_, name: string) => ids[name] ?? '1'));
    hunt.place(`GET ${path} (${answer.status})`, `${JSON.stringify(answer.headers)}${answer.text}`);
  }
  return paths.length;
}

function knowTokens(hunt: SecretHunt, answer: unknown): string[] {
  const tokens = [...JSON.stringify(answer).matchAll(TOKENS)];
  for (const [text, payload] of tokens) {
    hunt.text(`token ${text.slice(-8)}`, text);
    hunt.bytes(`token ${text.slice(-8)}, bytes`, Buffer.from(payload!, 'base64'));
  }
  return tokens.map(([text]) => text);
}

function knowHome(hunt: SecretHunt, { identity, privateKeyPem, transactionKeys }: PeerHome): void {
  const { current } = transactionKeys();
  hunt.bytes(`transaction key of ${identity.name}`, current.bytes);
  hunt.bytes(`wrapping key of ${identity.name}`, current.wrap);
  const [, body] = /-----BEGIN[^-]+-----([^-]+)-----END/.exec(privateKeyPem)!;
  hunt.bytes(`identity key of ${identity.name}`, Buffer.from(body!, 'base64').subarray(-100));
}

describe('no secret is told', () => {
  it('by a network that backs up, restores, refuses and fails', async () => {
    const log = new KeptText();
    const hunt = new SecretHunt();
    const world = await World.create({ hosts: 0, log });
    try {
      for (let i = 0; i < 3; i++) await world.addHost(undefined, { metrics: { host: '127.0.0.1', port: 0 } });
      const client = await world.addClient();
      const enrolmentKey = (await world.broker.createEnrolmentKey()).key;
      hunt.text('enrolment key', enrolmentKey);
      await world.enrol('by-key', { credential: { kind: 'enrolment-key', key: enrolmentKey } });
      const plain = `a secret of a person ${randomBytes(8).toString('hex')}`;
      const folder = await world.writeFiles('private-folder-name', { 'private-file-name.txt': plain });
      hunt.text('plaintext', plain);
      hunt.text('plaintext name', 'private-file-name.txt');
      hunt.text('plaintext folder', 'private-folder-name');
      await client.backup(folder);
      await client.restore(world.path('restored'));
      await world.settle();

      for (const home of [client.home, ...world.hosts.map((host) => host.home)]) {
        knowHome(hunt, Object.assign(Object.create(home), { transactionKeys: () => home.transactionKeys() }));
      }
      hunt.bytes('master key', await client.home.masterKey());
      hunt.text('recovery phrase', await client.phrase());
      hunt.bytes('key-encryption key', await readFile(join(world.dataDir, 'key-encryption.key')));

      // Tokens that work, one that is forged, and a refusal of each kind of caller.
      const objects = await world.brokerRows<{ id: ObjectId }>('SELECT id FROM objects');
      const begun = await world.askBroker(client, (broker) =>
        broker.beginGet({ objects: objects.map(({ id }) => ({ objectId: id, avoid: [] })) }),
      );
      const tokens = knowTokens(hunt, begun);
      expect(tokens.length).toBeGreaterThan(2);
      const [shard] = await world.brokerRows<{ cid: ContentId }>('SELECT cid FROM shards LIMIT 1');
      const { cid } = shard!;
      for (const token of [tokens[0]!, `${tokens[0]!.slice(0, -3)}AAA`, 'v3.local.AAAA', 'no token at all']) {
        for (const host of world.hosts) await sendRaw(host, client.home, { method: 'GET', cid, token });
      }
      const stranger = world.enrol('stranger', { credential: { kind: 'enrolment-key', key: `${enrolmentKey}x` } });
      await refusalOf(stranger);
      // A broker that is gone, a host that is, and one whose shards are damaged.
      const [first] = world.hosts;
      await world.broker.kill();
      await expect(first!.agent.triggers.presence()).rejects.toThrow();
      await world.startBroker();
      await first!.kill();
      await first!.start();
      await first!.damage((await first!.rows<{ cid: ContentId }>('SELECT cid FROM shard LIMIT 1'))[0]!.cid);
      await first!.agent.triggers.scrub();
      await world.settle();

      const key = await world.broker.createAdminKey();
      hunt.text('admin key', key);
      const source = { broker: world.broker, caPem: () => readFile(join(world.dataDir, 'ca.pem'), 'utf8') };
      const admin = new AdminClient(source as BrokerFixture, { authorization: `Bearer ${key}` });
      const ids = { peerId: first!.peerId, accountId: first!.home.identity.accountId, version: '1' };
      expect(await readEverything(admin, ids, hunt)).toBeGreaterThan(15);
      for (const host of world.hosts) {
        for (const path of ['metrics', 'readyz', 'healthz']) {
          const { body, statusCode } = await request(`http://127.0.0.1:${host.agent.metricsPort}/${path}`);
          expect([path, statusCode]).toEqual([path, 200]);
          hunt.place(`${path} of ${host.home.identity.name}`, await body.text());
        }
      }
      hunt.place('the log', log.text);
      await hunt.files(world.dataDir, DATABASES);
      for (const host of world.hosts) await hunt.files(host.home.path, DATABASES);
      expect(hunt.findings()).toEqual([]);

      // What the hunt would have found: each secret, in each form, in the middle of a log line.
      for (const secret of [Buffer.from(enrolmentKey), client.home.transactionKeys().current.bytes]) {
        for (const form of ['hex', 'base64', 'base64url', 'latin1'] as const) {
          hunt.place('planted', Buffer.from(`{"x":"${Buffer.from(secret).toString(form)}"}`, 'latin1'));
          expect([form, hunt.findings().length]).toEqual([form, 1]);
        }
      }
      expect(log.text).toContain('"level":20');
    } finally {
      await world.close();
    }
  });

  it('by a broker where people register, sign in, approve machines and are mailed', async () => {
    const log = new KeptText();
    const hunt = new SecretHunt();
    const server = await SmtpStandIn.start();
    const webhookSecret = randomBytes(24).toString('base64url');
    const webhook = {
      url: `http://127.0.0.1:9/${randomBytes(12).toString('hex')}`,
      secret: Buffer.from(webhookSecret),
    };
    hunt.text('webhook secret', webhookSecret);
    hunt.text('webhook path', new URL(webhook.url).pathname.slice(1));
    const mail = { kind: 'smtp', from: 'broker@backup.example' };
    const fixture = await BrokerFixture.start(
      { mail },
      { testMode: true, smtpUrl: server.url, alertWebhook: webhook },
      log,
    );
    const visitor = await WebVisitor.come(fixture);
    try {
      hunt.text('password', PASSWORD);
      const shown = await visitor.get('/register');
      const captchaId = /name="captcha-id" value="([^"]+)"/.exec(shown.text)![1]!;
      const { answer } = JSON.parse((await visitor.get(`/test/captcha/${captchaId}`)).text) as { answer: string };
      await visitor.fillIn(shown, { email: 'ada@example.org', name: 'Ada', password: PASSWORD });
      const [, token] = /token=([A-Za-z0-9_-]{43})/.exec((await server.next()).text)!;
      hunt.text('link of a mail', token!);
      await visitor.submit(`/confirm?token=${token}`, { password: 'wrong words again' });
      await visitor.submit(`/confirm?token=${token}`, { password: PASSWORD });
      hunt.text('wrong password', 'wrong words again');
      await visitor.submit('/sign-in', { email: 'ada@example.org', password: 'wrong words again' });
      for (const [name, value] of visitor.cookies) {
        if (value.length >= 16) hunt.text(`cookie ${name}`, value);
      }
      expect(hunt.secrets).toBeGreaterThan(5);
      const machine = await machineAsks(fixture);
      hunt.text('device code', machine.asked.deviceCode);
      hunt.text('device code of nobody', `${machine.asked.deviceCode}`.replace(/^../, 'zz'));
      await poll(fixture, machine);
      await visitor.get(`/account?token=${token}&cookie=${[...visitor.cookies.values()][0]}`);
      await visitor.get('/nothing', { 'x-peerkeep': PASSWORD });

      for (let i = 0; i < 3; i++) await TestPeer.enrolHost(fixture);
      const peer = await TestPeer.enrol(fixture);
      knowTokens(hunt, await beginPut(peer, someObject(fixture)));
      await fixture.broker.watchAlertsNow();
      await fixture.broker.auditHostsNow();
      await fixture.broker.endExpiredNow();
      const key = await fixture.broker.createAdminKey();
      hunt.text('admin key', key);
      const admin = new AdminClient(fixture, { authorization: `Bearer ${key}` });
      const made = await admin.post(
        '/v1/admin/enrolment-keys',
        { reason: 'for the test' },
        { 'idempotency-key': 'once' },
      );
      hunt.text('enrolment key', made.body.key as string);
      await new AdminClient(fixture, { authorization: `Bearer ${key.slice(0, -1)}` }).get('/metrics');
      const ids = { peerId: peer.peerId, accountId: peer.enrolled.accountId, version: '1' };
      await readEverything(admin, ids, hunt);
      hunt.bytes('key-encryption key', await readFile(join(fixture.dataDir, 'key-encryption.key')));
      hunt.place('the log', log.text);
      await hunt.files(fixture.dataDir, DATABASES);
      expect(hunt.findings()).toEqual([]);
      // Five letters are anywhere by chance: as a field of a log line they are not.
      expect(log.text).not.toContain(`"${answer}"`);
      hunt.place('planted', `{"password":${JSON.stringify(PASSWORD)}}`);
      expect(hunt.findings()).toEqual(['password in planted']);
    } finally {
      await visitor.leave();
      await fixture.remove();
      await server.stop();
    }
  });
});
