// Mail leaves in its own time: a bounded queue, another try later, a file or a server that takes it.
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock, Log, type LogFields, openLog } from '#process';
import { isRefusal } from '#protocol';
import { type Email, parseEmail } from '../accounts/email.js';
import { parsePolicy } from '../config/policy.js';
import { plainText, SmtpStandIn } from '../testing/smtp-stand-in.js';
import { MAIL_ATTEMPTS_MAX, MAIL_DRAIN_MS_MAX, MAIL_RETRY_MS, MAILS_WAITING_MAX } from './limits.js';
import type { Mail } from './mailer.js';
import { openMailer } from './open-mailer.js';
import { type Deliver, QueuedMailer } from './queued-mailer.js';
import { parseSmtpUrl } from './smtp-url.js';

const to = parseEmail('ada@example.org') as Email;
const someMail: Mail = {
  to,
  subject: 'Hello',
  text: `A link: https://backup.example/confirm?token=${'x'.repeat(43)}\n`,
};
const log = openLog('test', 'silent');

class RecordedLog extends Log {
  readonly lines: LogFields[] = [];
  debug(fields: LogFields): void {
    this.lines.push(fields);
  }
  info(fields: LogFields): void {
    this.lines.push(fields);
  }
  warn(fields: LogFields): void {
    this.lines.push(fields);
  }
  error(fields: LogFields): void {
    this.lines.push(fields);
  }
}

/** Deliveries that the test lets succeed or fail, one after the other. */
class Deliveries {
  readonly tried: Mail[] = [];
  private readonly open: { resolve: () => void; reject: (error: Error) => void }[] = [];
  private readonly began: (() => void)[] = [];

  readonly deliver: Deliver = (mail) => {
    this.tried.push(mail);
    const ended = new Promise<void>((resolve, reject) => this.open.push({ resolve, reject }));
    for (const tell of this.began.splice(0)) tell();
    return ended;
  };

  async end(outcome: 'sent' | 'failed'): Promise<void> {
    if (this.open.length === 0) await new Promise<void>((resolve) => this.began.push(resolve));
    const { resolve, reject } = this.open.shift()!;
    if (outcome === 'sent') resolve();
    else reject(Object.assign(new Error(`550 ${to} unknown`), { code: 'EENVELOPE' }));
    await new Promise((done) => setImmediate(done));
  }
}

describe('the queue', () => {
  it('takes mails at once, sends them one by one, and past its bound says so before and drops them after', async () => {
    const deliveries = new Deliveries();
    const mailer = new QueuedMailer(deliveries.deliver, new FakeClock(0), log);
    // One is on its way, and does not wait.
    for (let i = 0; i <= MAILS_WAITING_MAX; i++) mailer.send(someMail);
    expect(deliveries.tried.length).toBe(1);
    expect(codeOf(() => mailer.checkRoom())).toBe('overloaded');
    // What a mail tells of has happened: who sends it must not fail for it, nor tell by failing that there was one.
    expect(codeOf(() => mailer.send(someMail))).toBe('passed');
    expect(codeOf(() => mailer.checkRoom())).toBe('overloaded');
    await deliveries.end('sent');
    expect(codeOf(() => mailer.checkRoom())).toBe('passed');
  });

  it('tries again later, gives up in the end, and never logs an address', async () => {
    const deliveries = new Deliveries();
    const clock = new FakeClock(0);
    const recorded = new RecordedLog();
    const mailer = new QueuedMailer(deliveries.deliver, clock, recorded);
    mailer.send(someMail);
    for (let attempt = 1; attempt <= MAIL_ATTEMPTS_MAX; attempt++) {
      await deliveries.end('failed');
      expect(deliveries.tried.length).toBe(attempt);
      clock.advance(MAIL_RETRY_MS * attempt - 1);
      expect(deliveries.tried.length).toBe(attempt);
      clock.advance(1);
    }
    expect(deliveries.tried.length).toBe(MAIL_ATTEMPTS_MAX);
    expect(recorded.lines.map(({ event }) => event)).toEqual([
      ...Array<string>(MAIL_ATTEMPTS_MAX - 1).fill('mail_delayed'),
      'mail_given_up',
    ]);
    expect(JSON.stringify(recorded.lines)).not.toContain('ada@');
  });

  it('sends what waits before it closes, but not for ever', async () => {
    const deliveries = new Deliveries();
    const clock = new FakeClock(0);
    const recorded = new RecordedLog();
    const mailer = new QueuedMailer(deliveries.deliver, clock, recorded);
    for (let i = 0; i < 3; i++) mailer.send(someMail);
    await deliveries.end('failed');
    const closed = mailer.close();
    expect(codeOf(() => mailer.checkRoom())).toBe('stopping');
    await deliveries.end('sent');
    clock.advance(MAIL_DRAIN_MS_MAX);
    await closed;
    expect(deliveries.tried.length).toBe(3);
    expect(recorded.lines.at(-1)).toEqual({ event: 'mails_lost', mails: 1 });
  });

  function codeOf(run: () => void): string {
    try {
      run();
    } catch (error) {
      if (isRefusal(error)) return error.code;
      throw error;
    }
    return 'passed';
  }
});

describe('the mailers', () => {
  const folders: string[] = [];

  afterEach(async () => {
    await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
  });

  async function newFolder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'peerkeep-mail-'));
    folders.push(folder);
    return folder;
  }

  it('writes files that only the owner reads', async () => {
    const folder = join(await newFolder(), 'mail');
    const policy = { kind: 'folder', from: 'broker@example.org' } as const;
    const mailer = await openMailer(policy, { folder, smtpUrl: null, clock: new FakeClock(1e12), log });
    mailer.send(someMail);
    mailer.send({ ...someMail, subject: 'Second' });
    await mailer.close();
    const files = (await readdir(folder)).sort();
    expect(files.length).toBe(2);
    const texts = await Promise.all(files.map(async (name) => plainText(await readFile(join(folder, name), 'latin1'))));
    expect(texts.some((text) => text.includes(someMail.text.trim()))).toBe(true);
    for (const text of texts) expect(text).toMatch(/^From: broker@example.org$/m);
    for (const text of texts) expect(text).toMatch(/^To: ada@example.org$/m);
    expect((await stat(join(folder, files[0]!))).mode & 0o777).toBe(0o600);
  });

  it('hands mails to a server, with its credentials, and again after a refusal', async () => {
    const server = await SmtpStandIn.start();
    const clock = new FakeClock(1e12);
    const recorded = new RecordedLog();
    const policy = { kind: 'smtp', from: 'broker@example.org' } as const;
    const mailer = await openMailer(policy, { folder: '', smtpUrl: server.url, clock, log: recorded });
    mailer.send(someMail);
    const mail = await server.next();
    expect(mail.from).toContain('<broker@example.org>');
    expect(mail.to).toContain('<ada@example.org>');
    expect(mail.text).toContain(someMail.text.trim());
    expect(server.credentials).toEqual(['\0mailer\0secret']);

    server.recipientStatus = 451;
    mailer.send({ ...someMail, subject: 'Again' });
    // Closing tries once more what a refusal delayed.
    while (!recorded.lines.some(({ event }) => event === 'mail_delayed'))
      await new Promise((done) => setImmediate(done));
    server.recipientStatus = 250;
    await mailer.close();
    expect((await server.next()).text).toMatch(/^Subject: Again\r?$/m);
    await server.stop();
  });

  it.each([
    [null, 'policy_invalid'],
    ['mail.example', 'policy_invalid'],
    ['https://mail.example', 'policy_invalid'],
    ['smtp://u:p@mail.example:587', true],
    ['smtp://mail.example', true],
    ['smtps://u:p@mail.example', false],
    ['smtp://127.0.0.1:25', false],
    ['smtp://[::1]:25', false],
    ['smtp://127.0.0.1.evil.example', true],
  ])('%s: TLS before anything is said is %s', (url, expected) => {
    const outcome = (): boolean | string => {
      try {
        return parseSmtpUrl(url).requireTLS;
      } catch (error) {
        return isRefusal(error) ? error.code : 'crashed';
      }
    };
    expect(outcome()).toBe(expected);
  });

  it('asks for a sender in the policy', () => {
    expect(() => parsePolicy({ mail: { kind: 'folder' } })).toThrow();
    expect(() => parsePolicy({ mail: { kind: 'folder', from: 'a@b.example\r\nX: y' } })).toThrow();
    expect(parsePolicy({ mail: { kind: 'folder', from: 'a@b.example' } }).mail.kind).toBe('folder');
  });
});
