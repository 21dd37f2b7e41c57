// Pictures of the console's pages, of a network that has lived for some days: docs/console/*.png.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';
import { it } from 'vitest';
import { PASSWORD } from '../../apps/server/src/testing/web-visitor.js';
import { ADA, makeConsoleWorld, OPERATOR_PAGES, PEOPLE_PAGES } from '../console-world.js';
import { smallerPng } from './smaller-png.js';

const FOLDER = join(import.meta.dirname, '../../docs/console');
const CHROMIUM = process.env.PEERKEEP_TEST_CHROMIUM ?? '/usr/bin/chromium';
const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 360, height: 780 };

it('pictures of the console', async () => {
  const made = await makeConsoleWorld({
    hours: 60,
    stepHours: 3,
    hosts: 9,
    backupBytes: 16_000_000,
    shareBytes: 90_000_000,
    isLively: true,
  });
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--headless', '--no-sandbox', '--disable-gpu'],
  });
  try {
    await mkdir(FOLDER, { recursive: true });
    for (const scheme of ['light', 'dark'] as const) {
      const options = { ignoreHTTPSErrors: true, colorScheme: scheme, viewport: WIDE } as const;
      const person = await browser.newContext({ ...options, baseURL: made.url });
      const signIn = await person.newPage();
      await signIn.goto('/sign-in?next=/console');
      await signIn.fill('#email', ADA);
      await signIn.fill('#password', PASSWORD);
      await signIn.click('main button');
      const machine = `/machines/${made.world.hosts.at(-1)!.peerId}`;
      for (const path of [...PEOPLE_PAGES, machine]) await take(person, path, `people-${nameOf(path)}-${scheme}`);

      const operator = await browser.newContext({ ...options, baseURL: made.adminUrl });
      const page = await operator.newPage();
      await page.goto('/console');
      await page.getByLabel('Admin key').waitFor();
      await keep(`operator-sign-in-${scheme}`, await page.screenshot());
      await page.getByLabel('Admin key').fill(made.operatorKey);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
      const peer = `/peers/${made.stranger}`;
      const account = `/accounts/${made.ada}`;
      for (const path of [...OPERATOR_PAGES, peer, account])
        await take(operator, path, `operator-${nameOf(path)}-${scheme}`);
      await takePlots(operator, scheme);
      if (scheme === 'light') {
        await take(person, '/backups', 'people-backups-narrow', NARROW);
        await take(operator, '', 'operator-overview-narrow', NARROW);
        await takeDryRun(operator);
      }
      await Promise.all([person.close(), operator.close()]);
    }
  } finally {
    await browser.close();
    await made.close();
  }
});

/** `/peers` is `peers`, a page of one of them `peer`, the first one by its own name. */
function nameOf(path: string): string {
  if (path === '') return 'overview';
  const [, name = '', id] = path.split('/');
  return id === undefined ? name : name.replace(/s$/, '');
}

async function take(context: BrowserContext, path: string, name: string, size = WIDE): Promise<void> {
  const page = await context.newPage();
  await page.setViewportSize(size);
  await page.goto(`/console${path}`);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.locator('.loading').first().waitFor({ state: 'detached' });
  await page.waitForLoadState('networkidle');
  await keep(name, await page.screenshot());
  await page.close();
}

async function takeDryRun(context: BrowserContext): Promise<void> {
  const page = await context.newPage();
  await page.goto('/console/policies');
  const editor = page.getByLabel('As in policy.json');
  const written = JSON.parse(await editor.inputValue()) as object;
  await editor.fill(JSON.stringify({ ...written, exchange: { windowDays: 14 } }, null, 2));
  await page.getByRole('button', { name: 'Try it (dry run)' }).click();
  await page.getByRole('row', { name: /Hosts that could take a shard/ }).scrollIntoViewIfNeeded();
  await keep('operator-policy-dry-run-light', await page.screenshot());
  await page.close();
}

async function takePlots(context: BrowserContext, scheme: string): Promise<void> {
  const page = await context.newPage();
  await page.goto('/console?range=week');
  await page.locator('.plot').nth(5).waitFor();
  await page.locator('.plot').nth(3).scrollIntoViewIfNeeded();
  await keep(`operator-plots-${scheme}`, await page.screenshot());
  await page.close();
}

async function keep(name: string, png: Buffer): Promise<void> {
  await writeFile(join(FOLDER, `${name}.png`), smallerPng(png));
}
