// B2: the routes of the CAPTCHA over HTTP: what they serve, to how many, and what only a broker in test mode tells.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { FastifyReply } from 'fastify';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Clock, FakeClock, Log, openLog } from '#process';
import { isRefusal, ProtocolError } from '#protocol';
import { parsePolicy } from '../config/policy.js';
import { BrokerMetrics } from '../metrics/broker-metrics.js';
import { RemoteAddress } from '../platform/remote-address.js';
import { Settings } from '../platform/settings.js';
import { startBroker } from '../start-broker.js';
import { CaptchaModule } from './captcha.module.js';
import { CaptchaProvider } from './captcha-provider.js';
import { RENDERINGS_PER_MINUTE_MAX } from './limits.js';
import { TestModeModule } from './test-mode.module.js';
import { KeptLog } from './testing/kept-log.js';

const MINUTE_MS = 60_000;
const HERE = '127.0.0.1';

/** The code of a refusal; the filter of the whole broker needs the whole broker. */
@Catch(ProtocolError)
class CodeFilter implements ExceptionFilter<ProtocolError> {
  catch({ status, code }: ProtocolError, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    void reply.status(status).header('content-type', 'application/json').send(JSON.stringify({ code }));
  }
}

describe('the routes of the CAPTCHA (B2)', () => {
  const clock = new FakeClock(1_800_000_000_000);
  const log = new KeptLog();
  let app: NestFastifyApplication;
  let captcha: CaptchaProvider;

  beforeAll(async () => {
    const settings = new Settings(parsePolicy({}), 'test.internal', clock.nowMs(), [], null, true);
    const providers = [
      { provide: Clock, useValue: clock },
      { provide: Log, useValue: log },
      { provide: Settings, useValue: settings },
      { provide: BrokerMetrics, useValue: new BrokerMetrics() },
      { provide: RemoteAddress, useValue: new RemoteAddress(settings) },
    ];
    const platform = {
      module: class Platform {},
      global: true,
      providers,
      exports: providers.map((one) => one.provide),
    };
    const module = Test.createTestingModule({
      imports: [platform, CaptchaModule, TestModeModule],
      providers: [{ provide: APP_FILTER, useClass: CodeFilter }],
    });
    app = (await module.compile()).createNestApplication<NestFastifyApplication>(new FastifyAdapter(), {
      logger: false,
    });
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    captcha = app.get(CaptchaProvider);
  });
  afterAll(() => app.close());

  const get = (path: string): request.Test =>
    request(app.getHttpServer()).get(path).set('accept', 'application/json').buffer(true);
  const openOne = async (): Promise<string> => {
    const { html } = await captcha.challenge('register', HERE);
    return /name="captcha-id" value="([^"]+)"/.exec(html)?.[1] ?? '';
  };
  const answerOf = async (id: string): Promise<string> => (await get(`/test/captcha/${id}`).expect(200)).body.answer;

  it('serve picture and sound, kept by nobody, and tell the answer nowhere', async () => {
    const id = await openOne();
    const answer = await answerOf(id);
    const picture = await get(`/captcha/${id}/picture.png`).expect(200).expect('content-type', 'image/png');
    expect(picture.body.subarray(1, 4).toString()).toBe('PNG');
    const sound = await get(`/captcha/${id}/sound.wav`).expect(200).expect('content-type', 'audio/wav');
    expect(sound.body.subarray(0, 4).toString()).toBe('RIFF');
    for (const { headers } of [picture, sound]) {
      expect(headers['cache-control']).toBe('no-store');
      expect(JSON.stringify(headers)).not.toContain(answer);
    }
    expect(log.lines.join('\n')).not.toContain(answer);
    expect(await captcha.verify('register', { 'captcha-id': id, 'captcha-answer': answer }, HERE)).toBe(true);
    for (const file of ['picture.png', 'sound.wav']) {
      const { body } = await get(`/captcha/${id}/${file}`).expect(404);
      expect(body.code).toBe('captcha_unknown');
    }
    expect(log.lines.join('\n')).not.toContain(answer);
  });

  it('serve a sound in pieces that fit', async () => {
    const id = await openOne();
    const piece = (range: string): request.Test => get(`/captcha/${id}/sound.wav`).set('range', range);
    const head = await piece('bytes=0-1').expect(206);
    const sizeBytes = Number(/^bytes 0-1\/(\d+)$/.exec(head.headers['content-range']!)?.[1]);
    const whole = (await piece('bytes=0-').expect(206)).body as Buffer;
    expect(whole.length).toBe(sizeBytes);
    const middle = await piece('bytes=1000-1999').expect(206);
    expect(whole.subarray(1_000, 2_000).equals(middle.body as Buffer)).toBe(true);
    expect(((await piece(`bytes=${sizeBytes}-`).expect(200)).body as Buffer).equals(whole)).toBe(true);
  });

  it('serve one network so often in a minute', async () => {
    clock.advance(MINUTE_MS);
    for (let i = 0; i < RENDERINGS_PER_MINUTE_MAX; i++) await get('/captcha/nothing/picture.png').expect(404);
    await get('/captcha/nothing/picture.png').expect(429);
    clock.advance(MINUTE_MS);
    await get('/captcha/nothing/picture.png').expect(404);
  });

  it('serve the widget of the proof of work from our own origin, and no other file', async () => {
    const types = {
      'start.js': /javascript/,
      'altcha.js': /javascript/,
      'pbkdf2.js': /javascript/,
      'altcha.css': /css/,
    };
    for (const [file, type] of Object.entries(types)) {
      const { headers, text, body } = await get(`/captcha/altcha/${file}`).expect(200);
      expect(headers['content-type']).toMatch(type);
      expect((text ?? String(body)).length).toBeGreaterThan(100);
    }
    await get('/captcha/altcha/package.json').expect(404);
    await get('/captcha/altcha/..%2f..%2fpackage.json').expect(404);
  });
});

describe('test mode (B2)', () => {
  let dataDir: string;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'peerkeep-test-mode-'));
  });
  afterAll(() => rm(dataDir, { recursive: true, force: true }));

  const start = (host: string, testMode?: boolean, policy: object = {}): ReturnType<typeof startBroker> =>
    startBroker(
      {
        dataDir: join(dataDir, 'broker'),
        listen: { host, port: 0 },
        trustDomain: null,
        policy: parsePolicy(policy),
        ...(testMode === undefined ? {} : { testMode }),
      },
      { clock: new FakeClock(Date.now()), log: openLog('test', 'silent') },
    );
  const codeAt = async (port: number, path: string): Promise<string> => {
    const response = await request(`https://127.0.0.1:${port}`)
      .get(path)
      .set('accept', 'application/json')
      .disableTLSCerts();
    return (JSON.parse(response.text) as { code: string }).code;
  };

  it.each(['0.0.0.0', '::', '192.168.1.1', '10.0.0.1', '8.8.8.8', 'fe80::1', '::ffff:10.0.0.1', 'localhost'])(
    'does not start on %s, and touches nothing',
    async (host) => {
      const refused = await start(host, true).then(
        () => 'started',
        (error: unknown) => (isRefusal(error) ? error.code : String(error)),
      );
      expect(refused).toBe('usage');
      expect(await readdir(dataDir)).toEqual([]);
    },
  );

  it.each([{ webUrl: 'https://backup.example' }, { trustedProxies: ['127.0.0.0/8'] }])(
    'does not start with the policy %o, and touches nothing',
    async (policy) => {
      await expect(start('127.0.0.1', true, policy)).rejects.toMatchObject({ code: 'usage' });
      expect(await readdir(dataDir)).toEqual([]);
    },
  );

  it('alone has the route that tells answers; picture and sound are for everybody', async () => {
    for (const [testMode, code] of [
      [undefined, 'route_unknown'],
      [false, 'route_unknown'],
      [true, 'captcha_unknown'],
    ] as const) {
      const broker = await start('127.0.0.1', testMode);
      try {
        expect(await codeAt(broker.port, '/test/captcha/nothing')).toBe(code);
        expect(await codeAt(broker.port, '/captcha/nothing/picture.png')).toBe('captcha_unknown');
        expect(await codeAt(broker.port, '/captcha/nothing/sound.wav')).toBe('captcha_unknown');
      } finally {
        await broker.stop();
      }
    }
  });
});
