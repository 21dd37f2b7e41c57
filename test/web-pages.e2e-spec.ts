// The web pages in a real browser: they work without a script, in both colour schemes, and axe finds nothing to mend.
import { existsSync } from 'node:fs';
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokerDatabase } from '../apps/server/src/platform/broker-database.js';
import { BrokerFixture } from '../apps/server/src/testing/broker-fixture.js';
import { SmtpStandIn } from '../apps/server/src/testing/smtp-stand-in.js';
import { TestPeer } from '../apps/server/src/testing/test-peer.js';
import { PASSWORD, WebVisitor } from '../apps/server/src/testing/web-visitor.js';

/** Debian's, or the one that the environment names. */
const CHROMIUM = process.env.PEERKEEP_TEST_CHROMIUM ?? '/usr/bin/chromium';
const EMAIL = 'ada@example.org';

let fixture: BrokerFixture;
let server: SmtpStandIn;
let browser: Browser;
let peerId: string;

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
  await visitor.leave();
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

/** The digits of the challenge on the page, by the test mode's route; none where there is no challenge. */
async function solve(page: Page): Promise<void> {
  const id = page.locator('input[name="captcha-id"]');
  if ((await id.count()) === 0) return;
  const answer = await page.request.get(`${fixture.url}/test/captcha/${await id.inputValue()}`);
  await page.fill('input[name="captcha-answer"]', ((await answer.json()) as { answer: string }).answer);
}

async function signIn(page: Page): Promise<void> {
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
}

function open(options: Parameters<Browser['newContext']>[0]): Promise<BrowserContext> {
  return browser.newContext({ ignoreHTTPSErrors: true, baseURL: fixture.url, ...options });
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
      await page.goto('/sign-in');
      await page.fill('#email', EMAIL);
      await page.fill('#password', 'not the password');
      await page.click('main button');
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
    async (colorScheme) => {
      for (const { title, show } of PAGES) {
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
        if (process.env.PEERKEEP_TEST_SCREENSHOTS !== undefined) {
          const name = `${PAGES.findIndex(({ show: of }) => of === show)}-${colorScheme}.png`;
          await page.screenshot({ path: `${process.env.PEERKEEP_TEST_SCREENSHOTS}/${name}`, fullPage: true });
        }
        await context.close();
      }
    },
  );

  it('fit a narrow screen without scrolling sideways', async () => {
    const context = await open({ viewport: { width: 320, height: 640 } });
    const page = await context.newPage();
    await signIn(page);
    for (const path of ['/', '/account', '/register', `/account/revoke?peer=${peerId}`]) {
      await page.goto(path);
      const width = await page.evaluate('document.documentElement.scrollWidth');
      expect(width, path).toBeLessThanOrEqual(320);
    }
    await context.close();
  });
});
