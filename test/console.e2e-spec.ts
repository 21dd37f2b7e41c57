// The console in a real browser against a running network (B24): every page in both colour schemes, by keyboard, and what
// people and operators do there, end to end.
import { existsSync } from 'node:fs';
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PASSWORD } from '../apps/server/src/testing/web-visitor.js';
import {
  ADA,
  type ConsoleWorld,
  HOSTILE_NAME,
  makeConsoleWorld,
  OPERATOR_PAGES,
  PEOPLE_PAGES,
} from './console-world.js';

/** Debian's, or the one that the environment names. */
const CHROMIUM = process.env.PEERKEEP_TEST_CHROMIUM ?? '/usr/bin/chromium';
const NARROW_WIDTH = 360;

let made: ConsoleWorld;
let browser: Browser;
let person: BrowserContext;
let operator: BrowserContext;

beforeAll(async () => {
  if (!existsSync(CHROMIUM))
    throw new Error(`there is no Chromium at ${CHROMIUM}: install it, or set PEERKEEP_TEST_CHROMIUM`);
  made = await makeConsoleWorld({ hours: 4, hosts: 4, backupBytes: 400_000, isHostile: true });
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-sync'],
  });
  person = await signedInPerson();
  operator = await signedInOperator();
}, 180_000);

afterAll(async () => {
  await browser?.close();
  await made?.close();
});

async function signedInPerson(): Promise<BrowserContext> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, baseURL: made.url });
  const page = await context.newPage();
  await page.goto('/sign-in?next=/console');
  await page.fill('#email', ADA);
  await page.fill('#password', PASSWORD);
  await page.click('main button');
  await heading(page, 'My machines');
  await page.close();
  return context;
}

async function signedInOperator(key = made.operatorKey): Promise<BrowserContext> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, baseURL: made.adminUrl });
  const page = await context.newPage();
  await page.goto('/console');
  await signInWith(page, key);
  await heading(page, 'Overview');
  await page.close();
  return context;
}

async function signInWith(page: Page, key: string): Promise<void> {
  await page.getByLabel('Admin key').fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

const heading = (page: Page, name: string): Promise<void> =>
  page.getByRole('heading', { level: 1, name, exact: true }).waitFor();

/** Waits until nothing is being loaded any more. */
async function settled(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.locator('.loading').first().waitFor({ state: 'detached' });
}

/** What axe and the browser itself have to say against a page. */
async function faultsOf(page: Page): Promise<string[]> {
  // The page lets no script make HTML of texts, and axe is one; it comes past that by the debugger.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run());
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
}

/** Collects what the browser refuses or complains about while a page is looked at. */
function complaintsOf(page: Page): string[] {
  const said: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of 40[14]/.test(message.text())) said.push(message.text());
  });
  page.on('pageerror', (error) => said.push(String(error)));
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== 'data:' && origin !== made.url && origin !== made.adminUrl) said.push(`asked ${origin}`);
  });
  return said;
}

/** The focused element, as a reader of the screen would be told of it. */
const focused = (page: Page): Promise<string> =>
  page.evaluate(
    "((e) => e.tagName + ' ' + (e.textContent || e.ariaLabel || e.id || '').trim().slice(0, 40))(document.activeElement)",
  );

describe('every page', () => {
  it('in light and dark: axe finds nothing, the browser complains of nothing', { timeout: 300_000 }, async () => {
    const kinds = [
      [person, [...PEOPLE_PAGES, `/machines/${made.world.hosts.at(-1)!.peerId}`]],
      [operator, [...OPERATOR_PAGES, `/peers/${made.stranger}`, `/accounts/${made.ada}`]],
    ] as const;
    for (const [context, paths] of kinds) {
      const page = await context.newPage();
      const complaints = complaintsOf(page);
      for (const path of paths) {
        await page.goto(`/console${path}`);
        await settled(page);
        expect(await page.locator('[role=alert]').count(), `${path}: refused`).toBe(0);
        for (const colorScheme of ['light', 'dark'] as const) {
          // Without motion: colours on their way from one scheme to the other are neither.
          await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
          expect(await faultsOf(page), `${path} ${colorScheme}`).toEqual([]);
        }
        await page.setViewportSize({ width: NARROW_WIDTH, height: 800 });
        const needed = await page.evaluate('document.documentElement.scrollWidth');
        expect(needed, `${path} on ${NARROW_WIDTH} pixels`).toBeLessThanOrEqual(NARROW_WIDTH);
        await page.setViewportSize({ width: 1280, height: 800 });
      }
      expect(complaints).toEqual([]);
      await page.close();
    }
  });
});

describe('the console of people', () => {
  it('shows a hostile name of a machine as text', async () => {
    const page = await person.newPage();
    await page.goto('/console');
    await page.getByRole('link', { name: HOSTILE_NAME }).click();
    await heading(page, HOSTILE_NAME);
    expect(await page.locator('main img').count()).toBe(0);
    await page.close();
  });

  it('tells the same of credit as the command and the interface do', async () => {
    const told = await made.world.askBroker(made.laptop, (broker) => broker.credit());
    const page = await person.newPage();
    await page.goto('/console/credit');
    await settled(page);
    for (const purse of ['available', 'used', 'reserved', 'withheld'] as const) {
      const value = page.locator('.stat', { hasText: new RegExp(`^${purse}`, 'i') }).locator('.value span');
      expect((await value.getAttribute('title'))?.replaceAll(',', '')).toBe(`${told.credit[purse]} bytes`);
    }
    for (const { durability, ratio } of told.classes) {
      const row = page.getByRole('row', { name: new RegExp(durability) });
      expect(await row.textContent()).toContain(`${ratio} ×`);
    }
    await page.close();
  });

  it('tells of backups what the broker knows: as many objects and hosts as the interface lists', async () => {
    const objects = await made.world.askBroker(made.laptop, (broker) => broker.listObjects());
    const hosts = await made.world.askBroker(made.laptop, (broker) => broker.listHosts());
    const page = await person.newPage();
    await page.goto('/console/backups');
    await settled(page);
    const stat = (label: string) => page.locator('.stat', { hasText: label }).locator('.value');
    await stat('Hosts in use').waitFor();
    expect(await stat('Objects').textContent()).toBe(`${objects.objects.length}`);
    expect(await stat('Hosts in use').textContent()).toBe(`${hosts.total}`);
    expect(await page.getByRole('row', { name: /laptop/ }).textContent()).not.toContain('never');
    await page.close();
  });

  it('revokes a machine, once its name was typed; Escape leaves it and gives the focus back', async () => {
    const page = await person.newPage();
    await page.goto(`/console/machines/${made.oldPhone}`);
    await heading(page, 'old-phone');
    const ask = page.getByRole('button', { name: 'Revoke this machine…' });
    await ask.click();
    await page.getByRole('dialog').waitFor();
    expect(await faultsOf(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await focused(page)).toBe('BUTTON Revoke this machine…');
    await ask.click();
    const revoke = page.getByRole('button', { name: 'Revoke it for good' });
    await page.getByLabel('Type its name').fill('old-phon');
    expect(await revoke.isDisabled()).toBe(true);
    await page.getByLabel('Type its name').fill('old-phone');
    await revoke.click();
    await page.getByText('The machine is revoked').waitFor();
    await page.getByText('asked by its owner: revoked in the console').first().waitFor();
    const [row] = await made.world.brokerRows<{ state: string }>('SELECT state FROM peers WHERE id = $1', [
      made.oldPhone,
    ]);
    expect(row?.state).toBe('revoked');
    await page.close();
  });

  it('says of machines of others that there are none', async () => {
    const page = await person.newPage();
    await page.goto(`/console/machines/${made.stranger}`);
    await page.getByText('No such peer in this account').waitFor();
    await page.close();
  });

  it('goes back and forth, and keeps what is behind a link', async () => {
    const page = await person.newPage();
    await page.goto('/console');
    await heading(page, 'My machines');
    await page.getByRole('link', { name: 'My credit' }).click();
    await heading(page, 'My credit');
    expect(await focused(page)).toBe('H1 My credit');
    await page.getByRole('link', { name: 'Hosts in use' }).click();
    await heading(page, 'Hosts in use');
    await page.goBack();
    await heading(page, 'My credit');
    await page.goForward();
    await heading(page, 'Hosts in use');
    await page.goto('/console/nowhere');
    await heading(page, 'No such page');
    await page.close();
  });

  it('leads to the sign-in where the session has ended, and back', async () => {
    const context = await signedInPerson();
    const page = await context.newPage();
    await page.goto('/console/credit');
    await heading(page, 'My credit');
    await context.clearCookies();
    await page.getByRole('link', { name: 'Hosts in use' }).click();
    await page.waitForURL(/\/sign-in\?next=%2Fconsole%2Fhosts/);
    await page.fill('#email', ADA);
    await page.fill('#password', PASSWORD);
    await page.click('main button');
    await heading(page, 'Hosts in use');
    await context.close();
  });
});

describe('the console of operators', () => {
  it('is walked by keyboard: skip link, navigation, page; nothing holds the focus', async () => {
    const page = await operator.newPage();
    await page.goto('/console/log');
    await settled(page);
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('A Skip to content');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await focused(page)).toContain('Check it');
    await page.goto('/console/log');
    await settled(page);
    const stops: string[] = [];
    while (stops.length < 200) {
      await page.keyboard.press('Tab');
      const at = await focused(page);
      if (at.startsWith('BODY')) break;
      stops.push(at);
    }
    expect(stops).toEqual(
      expect.arrayContaining(['A Skip to content', 'BUTTON Sign out', 'A Overview', 'A Health', 'BUTTON Check it']),
    );
    expect(stops.length).toBeLessThan(200);
    await page.close();
  });

  it('suspends a peer with a reason, which stands in the log', async () => {
    const page = await operator.newPage();
    await page.goto(`/console/peers/${made.stranger}`);
    await heading(page, 'host-1');
    await page.getByRole('button', { name: 'Suspend…' }).click();
    const suspend = page.getByRole('dialog').getByRole('button', { name: 'Suspend' });
    expect(await suspend.isDisabled()).toBe(true);
    await page.getByLabel('Reason').fill('its disk makes noises');
    await suspend.click();
    await page.getByText('It is suspended.').waitFor();
    await page.getByRole('cell', { name: 'by the operator: its disk makes noises' }).waitFor();
    await page.getByRole('link', { name: 'The admin log of it' }).click();
    await heading(page, 'Admin log');
    await page.getByRole('row', { name: /peer\.suspend.*its disk makes noises/ }).waitFor();
    await page.goto(`/console/peers/${made.stranger}`);
    await page.getByRole('button', { name: 'Resume…' }).click();
    await page.getByLabel('Reason').fill('it was the neighbour');
    await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click();
    await page.getByText('It takes part again.').waitFor();
    await page.close();
  });

  it('tries a policy before it is applied, and tells faults by field', async () => {
    const page = await operator.newPage();
    await page.goto('/console/policies');
    await settled(page);
    const editor = page.getByLabel('As in policy.json');
    const written = JSON.parse(await editor.inputValue()) as { exchange?: object };
    const apply = page.getByRole('button', { name: 'Apply…' });
    expect(await apply.isDisabled()).toBe(true);
    await editor.fill(JSON.stringify({ ...written, exchange: { windowDays: 0 } }));
    await page.getByRole('button', { name: 'Try it (dry run)' }).click();
    await page.getByText('exchange.windowDays', { exact: true }).waitFor();
    await editor.fill('{');
    await page.getByRole('button', { name: 'Try it (dry run)' }).click();
    await page.getByText(/JSON/).first().waitFor();
    expect(await apply.isDisabled()).toBe(true);
    await editor.fill(JSON.stringify({ ...written, exchange: { windowDays: 14 } }));
    await page.getByRole('button', { name: 'Try it (dry run)' }).click();
    await page.getByRole('row', { name: /exchange\.windowDays 30 14 at once/ }).waitFor();
    await page.getByRole('row', { name: /Hosts that could take a shard/ }).waitFor();
    await apply.click();
    await page.getByLabel('Reason').fill('two weeks suffice');
    await page.getByRole('dialog').getByRole('button', { name: 'Apply' }).click();
    await page.getByText('Version 2 is in force.').first().waitFor();
    await page.getByRole('row', { name: /two weeks suffice/ }).waitFor();
    await page.close();
  });

  it('hears of what happens without being loaded again', async () => {
    const page = await operator.newPage();
    await page.goto('/console');
    await settled(page);
    const hosts = page.locator('.stat', { hasText: 'Hosts online' }).locator('.value');
    const before = Number(await hosts.textContent());
    await page.evaluate('globalThis.wasHere = true');
    await made.world.addHost();
    await hosts.getByText(`${before + 1}`, { exact: true }).waitFor();
    expect(await page.evaluate('globalThis.wasHere')).toBe(true);
    await page.close();
  });

  it('finds peers by their network', async () => {
    const page = await operator.newPage();
    await page.goto('/console/peers?network=127.0.0');
    await page.getByRole('link', { name: 'host-1', exact: true }).waitFor();
    expect(await page.getByRole('link', { name: 'laptop' }).count()).toBe(0);
    await page.goto('/console/peers?network=127.0.1');
    await page.getByText('No such peer').waitFor();
    await page.close();
  });

  it('keeps filters in the address', async () => {
    const page = await operator.newPage();
    await page.goto('/console/peers?state=revoked');
    await page.getByRole('link', { name: 'sold-notebook' }).waitFor();
    expect(await page.getByLabel('State').inputValue()).toBe('revoked');
    await page.getByLabel('State').selectOption('active');
    await page.waitForURL(/state=active/);
    await page.getByRole('link', { name: 'sold-notebook' }).waitFor({ state: 'detached' });
    await page.close();
  });

  it('shows a wrong key the door, and asks again once a key is revoked', async () => {
    const key = await made.world.broker.createAdminKey({ role: 'viewer', name: 'short-lived' });
    const context = await browser.newContext({ ignoreHTTPSErrors: true, baseURL: made.adminUrl });
    const page = await context.newPage();
    await page.goto('/console/peers');
    await signInWith(page, 'pka_wrong');
    await page.getByRole('alert').waitFor();
    expect(await faultsOf(page)).toEqual([]);
    await signInWith(page, key);
    await heading(page, 'Peers');
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({ name: '__Host-peerkeep-admin', httpOnly: true, secure: true, sameSite: 'Strict' });
    await page.getByRole('link', { name: 'host-2' }).click();
    await heading(page, 'host-2');
    expect(await page.getByRole('button', { name: /Suspend|Revoke/ }).count()).toBe(0);
    const master = await operator.newPage();
    await master.goto('/console/health');
    await master
      .getByRole('row', { name: /short-lived/ })
      .getByRole('button', { name: /Revoke/ })
      .click();
    await master.getByLabel('Reason').fill('no longer here');
    await master.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await master.getByRole('row', { name: /short-lived.*revoked/ }).waitFor();
    await page.getByLabel('Admin key').waitFor();
    await context.close();
    await master.close();
  });
});
