// The web pages in a real browser: they work without a script, in both colour schemes, and axe finds nothing to mend.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeBase64url } from '#protocol';
import { CODE_GUESSES_PER_SESSION_MAX } from '../apps/server/src/limits.js';
import { BrokerDatabase } from '../apps/server/src/platform/broker-database.js';
import { BrokerFixture } from '../apps/server/src/testing/broker-fixture.js';
import { approve, askToJoin, enrolApproved, putInEscrow } from '../apps/server/src/testing/escrow-machines.js';
import { SmtpStandIn } from '../apps/server/src/testing/smtp-stand-in.js';
import { TestPeer } from '../apps/server/src/testing/test-peer.js';
import { PASSWORD, WebVisitor } from '../apps/server/src/testing/web-visitor.js';

/** Debian's, or the one that the environment names. */
const CHROMIUM = process.env.PEERKEEP_TEST_CHROMIUM ?? '/usr/bin/chromium';
const EMAIL = 'ada@example.org';
/** Of the window, in CSS pixels; the second one is the narrowest of WCAG 2.2 §1.4.10. */
const WIDTH = 1280;
const NARROW_WIDTH = 320;

let fixture: BrokerFixture;
let server: SmtpStandIn;
let browser: Browser;
let peerId: string;
let person: WebVisitor;

beforeAll(async () => {
  if (!existsSync(CHROMIUM))
    throw new Error(`there is no Chromium at ${CHROMIUM}: install it, or set PEERKEEP_TEST_CHROMIUM`);
  server = await SmtpStandIn.start();
  const mail = { kind: 'smtp', from: 'broker@backup.example' };
  const signIn = { captchaAfterFailures: 1 };
  fixture = await BrokerFixture.start({ mail, signIn }, { testMode: true, smtpUrl: server.url });
  const visitor = await WebVisitor.come(fixture);
  await visitor.submit('/register', { email: EMAIL, name: 'Ada <Lovelace>', password: PASSWORD });
  await visitor.submit(await nextLink(), { password: PASSWORD });
  peerId = await enrolMachine();
  await leaveKey(visitor);
  person = visitor;
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
});

afterAll(async () => {
  await browser?.close();
  await person?.leave();
  await fixture?.remove();
  await server?.stop();
});

/** Path of the link in the next mail. */
async function nextLink(): Promise<string> {
  const { text } = await server.next();
  return (
    new URL(/https:\/\/\S+token=\S+/.exec(text)![0]).pathname + new URL(/https:\/\/\S+token=\S+/.exec(text)![0]).search
  );
}

async function enrolMachine(): Promise<string> {
  const database = await BrokerDatabase.open(`${fixture.dataDir}/broker.db`);
  const [{ id }] = await database.reads.query('SELECT id FROM accounts WHERE email = $1', [EMAIL]);
  await database.close();
  const { key } = await fixture.broker.createEnrolmentKey({ accountId: id });
  return (await TestPeer.enrol(fixture, { kind: 'enrolment-key', key })).peerId;
}

async function letIn(visitor: WebVisitor, purpose: string): Promise<TestPeer> {
  const asking = await askToJoin(fixture, purpose);
  await approve(asking, visitor, EMAIL);
  return enrolApproved(fixture, asking);
}

/** The account leaves its key with the broker; one machine asks for it, and one was shut out. */
async function leaveKey(visitor: WebVisitor): Promise<void> {
  const laptop = await letIn(visitor, 'client');
  await laptop.post('/v1/recovery-key', { publicKey: encodeBase64url(randomBytes(32)) });
  await putInEscrow(laptop, randomBytes(32));
  const asking = await letIn(visitor, 'recovery');
  await asking.post('/v1/escrow-recoveries', {});
  await server.next();
  const shutOut = await letIn(visitor, 'host');
  await laptop.post(`/v1/peers/${shutOut.peerId}/revoke`, { reason: 'sold' });
}

/** The digits of the challenge on the page, by the test mode's route; none where there is no challenge. */
async function solve(page: Page): Promise<void> {
  const id = page.locator('input[name="captcha-id"]');
  if ((await id.count()) === 0) return;
  const answer = await page.request.get(`${fixture.url}/test/captcha/${await id.inputValue()}`);
  await page.fill('input[name="captcha-answer"]', ((await answer.json()) as { answer: string }).answer);
}

/** `path`: what is opened then. */
async function signIn(page: Page, path?: string): Promise<void> {
  await page.goto('/sign-in');
  await page.fill('#email', EMAIL);
  await page.fill('#password', PASSWORD);
  await page.click('main button');
  if ((await page.title()).startsWith('Sign in')) {
    await page.fill('#password', PASSWORD);
    await solve(page);
    await page.click('main button');
  }
  expect(await page.title()).toBe('Your account – Peerkeep');
  if (path !== undefined) await page.goto(path);
}

function open(options: Parameters<Browser['newContext']>[0]): Promise<BrowserContext> {
  return browser.newContext({ ignoreHTTPSErrors: true, baseURL: fixture.url, ...options });
}

async function signInWrongly(page: Page): Promise<void> {
  await page.goto('/sign-in');
  await page.fill('#email', EMAIL);
  await page.fill('#password', 'not the password');
  await page.click('main button');
}

/** What a person does to see each page; the last one says which page it must be. */
const PAGES: readonly { readonly title: string; readonly show: (page: Page) => Promise<unknown> }[] = [
  { title: 'Backups among people', show: (page) => page.goto('/') },
  { title: 'There is no such route', show: (page) => page.goto('/nowhere') },
  { title: 'Register', show: (page) => page.goto('/register') },
  {
    title: 'Register',
    show: async (page) => {
      await page.goto('/register');
      await page.fill('#email', EMAIL);
      await page.fill('#name', 'Ada');
      await page.fill('#password', EMAIL);
      await solve(page);
      await page.click('main button');
      await page.locator('#password-fault').waitFor();
    },
  },
  {
    title: 'Look into your mail',
    show: async (page) => {
      await page.goto('/register');
      await page.fill('#email', 'new@example.org');
      await page.fill('#name', 'New');
      await page.fill('#password', PASSWORD);
      await solve(page);
      await page.click('main button');
    },
  },
  { title: 'Open your account', show: async (page) => page.goto(await nextLink()) },
  {
    title: 'Sign in',
    show: async (page) => {
      await signInWrongly(page);
      await page.locator('[role=alert]').waitFor();
    },
  },
  {
    title: 'Look into your mail',
    show: async (page) => {
      await page.goto('/forgot');
      await page.fill('#email', EMAIL);
      await solve(page);
      await page.click('main button');
    },
  },
  { title: 'Choose a new password', show: async (page) => page.goto(await nextLink()) },
  { title: 'Lost password', show: (page) => page.goto('/forgot') },
  { title: 'Your account', show: signIn },
  {
    title: 'Revoke box?',
    show: async (page) => {
      await signIn(page);
      await page.goto(`/account/revoke?peer=${peerId}`);
    },
  },
  {
    title: 'Add a machine',
    show: async (page) => {
      await signIn(page);
      await page.goto('/enrol');
    },
  },
];

/** The states that a page may have beside the first one; those of signed-in people begin with the sign-in. */
const MORE_PAGES: typeof PAGES = [
  {
    title: 'Sign in',
    show: async (page) => {
      await signInWrongly(page);
      await page.fill('#password', PASSWORD);
      await page.fill('#captcha-answer', '1');
      await page.click('main button');
      await page.getByText('Please answer the question').waitFor();
    },
  },
  {
    title: 'Register',
    show: async (page) => {
      await page.goto('/register');
      // The sound has been fetched, and can be played.
      const ready = page.locator('audio').evaluate((audio) => {
        const sound = audio as unknown as { load(): void; preload: string; onloadedmetadata: () => void };
        return new Promise<void>((resolve) => {
          sound.onloadedmetadata = resolve;
          sound.preload = 'auto';
          sound.load();
        });
      });
      await ready;
    },
  },
  {
    title: 'The form was not sent from a page of this site',
    show: async (page) => {
      await page.goto('/sign-in');
      await page.locator('input[name=form_token]').evaluate((field) => field.setAttribute('value', 'x'));
      await page.fill('#email', EMAIL);
      await page.fill('#password', PASSWORD);
      await solve(page);
      await page.click('main button');
    },
  },
  {
    title: 'Your account',
    show: async (page) => {
      await signIn(page);
      await page.getByText('Stop this recovery').waitFor();
      await page.fill('#old', 'not the password');
      await page.fill('#new', PASSWORD.slice(0, 10));
      await page.getByRole('button', { name: 'Change the password' }).click();
      await page.locator('#old-fault').waitFor();
    },
  },
  { title: 'Your account', show: (page) => signIn(page, '/account?done=recovery') },
  { title: 'Your account', show: (page) => signIn(page, '/account?done=recovery-too-late') },
  { title: 'No such peer in this account', show: (page) => signIn(page, '/account/revoke?peer=nobody') },
  ...(['host', 'recovery'] as const).map((purpose) => ({
    title: 'Is this your machine?',
    show: (page: Page) => typeCode(page, purpose),
  })),
  ...(['Approve', 'Refuse'] as const).map((decision) => ({
    title: `${decision}d`,
    show: async (page: Page) => {
      await typeCode(page, 'client');
      await page.getByRole('button', { name: decision }).click();
    },
  })),
  { title: 'Nothing waits under this code', show: (page) => signIn(page, '/enrol/machine?code=WDJB-MJHT') },
  {
    title: 'Add a machine',
    show: async (page) => {
      await signIn(page, '/enrol');
      await page.fill('#code', 'WDJB-MJHT');
      await page.fill('#captcha-answer', '1');
      await page.click('main button');
      await page.locator('[role=alert]').waitFor();
    },
  },
  {
    title: 'Too many requests',
    show: async (page) => {
      await signIn(page, '/enrol');
      for (let i = 0; i <= CODE_GUESSES_PER_SESSION_MAX; i++) {
        await page.fill('#code', 'WDJB-MJHT');
        await solve(page);
        await page.click('main button');
      }
    },
  },
];

/** Sign in, and see a machine that asks to be let in. */
async function typeCode(page: Page, purpose: string): Promise<void> {
  // Of a recovery the sign-in must be later than the question, by this clock.
  const { userCode } = await askToJoin(fixture, purpose);
  fixture.clock.advance(1);
  await signIn(page, '/enrol');
  await page.fill('#code', userCode);
  await solve(page);
  await page.click('main button');
}

describe('the web pages', () => {
  it('register, sign in and sign out in a browser that runs no script', async () => {
    const context = await open({ javaScriptEnabled: false });
    const page = await context.newPage();
    await signIn(page);
    const [cookie] = (await context.cookies()).filter(({ name }) => name === '__Host-peerkeep');
    expect(cookie).toMatchObject({ httpOnly: true, secure: true, sameSite: 'Strict', path: '/' });
    await page.click('header button');
    expect(await page.title()).toBe('Backups among people – Peerkeep');
    expect((await context.cookies()).map(({ name }) => name)).not.toContain('__Host-peerkeep');
    await context.close();
  });

  it.each(['light', 'dark'] as const)(
    'have nothing that axe would mend, %s, and break no rule of their own',
    { timeout: 300_000 },
    async (colorScheme) => {
      for (const [number, { title, show }] of [...PAGES, ...MORE_PAGES].entries()) {
        const context = await open({ colorScheme });
        const page = await context.newPage();
        const refused: string[] = [];
        page.on('console', (message) => {
          if (message.text().includes('Content Security Policy')) refused.push(message.text());
        });
        await show(page);
        expect(await page.title()).toBe(`${title} – Peerkeep`);
        expect(refused).toEqual([]);
        await page.evaluate(axe.source);
        const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run());
        const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
        expect(found, `${title}, ${colorScheme}`).toEqual([]);
        for (const width of [WIDTH, NARROW_WIDTH]) {
          await page.setViewportSize({ width, height: 800 });
          const needed = await page.evaluate('document.documentElement.scrollWidth');
          expect(needed, `${title} on ${width} pixels`).toBeLessThanOrEqual(width);
          if (process.env.PEERKEEP_TEST_SCREENSHOTS === undefined) continue;
          const path = `${process.env.PEERKEEP_TEST_SCREENSHOTS}/${number}-${colorScheme}-${width}.png`;
          await page.screenshot({ path, fullPage: true });
        }
        await context.close();
      }
    },
  );
});
