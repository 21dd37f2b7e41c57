// F3: the pages of a peer in a real browser: its owner signs in, looks and downloads; whoever has a link gets the shared file,
// whole and as it was, and nobody else learns anything.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SHARE_HEAD_BYTES, SHARE_PIECE_BYTES, SHARE_TAG_BYTES } from '#protocol';
import { signInLink } from '../apps/peer-agent/src/commands/web.js';
import { type RunningAgent, startAgent } from '../apps/peer-agent/src/start-agent.js';
import { EVENT_INTERVAL_MS, SIGN_IN_CODE_LIFE_MS, VIEW_IDLE_MS } from '../apps/peer-agent/src/web/limits.js';
import { messagesOf, peerkeepHere } from './command-here.js';
import { shareWorld } from './shared-world.js';
import type { WorldClient } from './world.js';

/** Debian's, or the one that the environment names. */
const CHROMIUM = process.env.PEERKEEP_TEST_CHROMIUM ?? '/usr/bin/chromium';
const NARROW_WIDTH = 360;
const DAY_MS = 86_400_000;
const NAME = 'Ünï "côde" <b>🎈.bin';
const BYTES = randomBytes(2 * SHARE_PIECE_BYTES + 12_345);

const world = shareWorld({ hosts: 4 });
let client: WorldClient;
let agent: RunningAgent;
let origin: string;
let browser: Browser;
let owner: BrowserContext;

beforeAll(async () => {
  if (!existsSync(CHROMIUM))
    throw new Error(`there is no Chromium at ${CHROMIUM}: install it, or set PEERKEEP_TEST_CHROMIUM`);
  client = await world().addClient('attic');
  const source = await world().writeFiles('source', { [NAME]: BYTES, 'deep/er/words.txt': 'words', empty: '' });
  await client.backup(source);
  await world().settle();
  await client.close();
  const { clock, log } = world();
  const listen = { host: '127.0.0.1', port: 0 };
  agent = await startAgent({ homePath: client.home.path, listen, web: { listen, visits: 'none' } }, { clock, log });
  origin = `http://127.0.0.1:${agent.webPort}`;
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-sync'],
  });
  owner = await browser.newContext({ baseURL: origin });
});
afterAll(async () => {
  await browser?.close();
  await agent?.stop();
});

const newLink = (): Promise<string> =>
  signInLink({ homePath: client.home.path, homeKey: null, isVisit: false, clock: world().clock });
const heading = (page: Page, name: string): Promise<void> =>
  page.getByRole('heading', { level: 1, name, exact: true }).waitFor();

/** `peerkeep`, in the home of the agent, once nobody looks into its snapshots. */
async function peerkeep(...args: string[]): Promise<Record<string, unknown>> {
  world().clock.advance(VIEW_IDLE_MS);
  const place = { home: client.home.path, clock: world().clock, log: world().log };
  const spoken = await peerkeepHere(place, ...args, '--json');
  expect(spoken.stderr).not.toMatch(/hint/);
  expect(spoken.code).toBe(0);
  return messagesOf(spoken).at(-1)!;
}

async function share(...options: string[]): Promise<{ id: string; link: string }> {
  return (await peerkeep('share', 'create', 'latest', `/${NAME}`, '--origin', origin, ...options)) as never;
}

/** What axe and the browser itself have to say against a page, in both schemes and on a narrow window. */
async function expectFaultless(page: Page): Promise<void> {
  await page.evaluate(axe.source);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run());
    const faults = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
    expect(faults, `${page.url()} ${colorScheme}`).toEqual([]);
  }
  await page.setViewportSize({ width: NARROW_WIDTH, height: 800 });
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(NARROW_WIDTH);
  await page.setViewportSize({ width: 1280, height: 800 });
}

/** A page that remembers what the browser complains of, and whatever it asks of others. */
async function watchedPage(context: BrowserContext, expected = /^$/): Promise<{ page: Page; said: string[] }> {
  const page = await context.newPage();
  const said: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' && !expected.test(message.text())) said.push(message.text());
  });
  page.on('pageerror', (error) => said.push(String(error)));
  page.on('request', (request) => {
    const { origin: asked, protocol } = new URL(request.url());
    if (/^https?:$/.test(protocol) && asked !== origin) said.push(`asked ${asked}`);
    if (request.url().includes('#')) said.push(`sent ${request.url()}`);
  });
  return { page, said };
}

/** Opens a link as a stranger does. */
async function visit(
  link: string,
  expected = /^$/,
): Promise<{ page: Page; said: string[]; leave: () => Promise<void> }> {
  const context = await browser.newContext();
  const { page, said } = await watchedPage(context, expected);
  await page.goto(link);
  return { page, said, leave: () => context.close() };
}

async function downloaded(page: Page, click: () => Promise<void>): Promise<{ name: string; bytes: Buffer }> {
  const [download] = await Promise.all([page.waitForEvent('download'), click()]);
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

describe('the owner', () => {
  it('signs in by a link that works once, and sees this host as it is', async () => {
    const { page, said } = await watchedPage(owner, /status of 40[13]/);
    await page.goto('/');
    await heading(page, 'Sign in');
    await expectFaultless(page);
    const link = await newLink();
    await page.goto(link);
    await heading(page, 'This host');
    expect(page.url()).toBe(`${origin}/`);
    expect(await page.locator('[data-fact=peer]').textContent()).toContain(client.peerId);
    await page.getByText('Up to date').waitFor();
    await expectFaultless(page);
    const [cookie] = await owner.cookies();
    expect(cookie).toMatchObject({ name: '__Host-peerkeep-owner', httpOnly: true, secure: true, sameSite: 'Strict' });
    const stranger = await visit(link, /status of 403/);
    await stranger.page.getByRole('alert').getByText('used, or is too old').waitFor();
    await expectFaultless(stranger.page);
    await stranger.leave();
    expect(said).toEqual([]);
    await page.close();
  });

  it('is not signed in by a code that is too old', async () => {
    const link = await newLink();
    world().clock.advance(SIGN_IN_CODE_LIFE_MS);
    const stranger = await visit(link, /status of 403/);
    await stranger.page.getByRole('alert').waitFor();
    expect((await stranger.page.goto(origin))?.status()).toBe(401);
    await stranger.leave();
  });

  it('hears of what changes without loading the page again', async () => {
    const page = await owner.newPage();
    await page.goto('/');
    await page.getByText('Up to date').waitFor();
    await client.home.setShare(5_000_000_000);
    world().clock.advance(EVENT_INTERVAL_MS);
    await page.locator('[data-fact=used]').getByText('of 5.0 GB').waitFor();
    await page.close();
  });

  it('walks through the folders by keyboard, and downloads one file byte for byte', async () => {
    const { page, said } = await watchedPage(owner);
    await page.goto('/');
    await page.getByRole('link', { name: 'Files' }).focus();
    await page.keyboard.press('Enter');
    await heading(page, 'Files');
    await expectFaultless(page);
    await page.getByRole('link', { name: 'latest/' }).click();
    await heading(page, 'latest');
    const file = page.getByRole('link', { name: NAME });
    await file.waitFor();
    await expectFaultless(page);
    expect(await page.locator('main b').count()).toBe(0);
    const got = await downloaded(page, () => file.click());
    expect(got.bytes.equals(BYTES)).toBe(true);
    await page.getByRole('link', { name: 'deep/' }).click();
    await page.getByRole('link', { name: 'er/' }).click();
    const words = await downloaded(page, () => page.getByRole('link', { name: 'words.txt' }).click());
    expect([words.name, words.bytes.toString()]).toEqual(['words.txt', 'words']);
    expect(said).toEqual([]);
    await page.close();
  });

  it('gets parts of a file, and is told what there is not', async () => {
    const file = `${origin}/files/latest/${encodeURIComponent(NAME)}`;
    const part = await owner.request.get(file, { headers: { range: 'bytes=300000-300009' } });
    expect([part.status(), part.headers()['content-range']]).toEqual([206, `bytes 300000-300009/${BYTES.length}`]);
    expect((await part.body()).equals(BYTES.subarray(300_000, 300_010))).toBe(true);
    expect(part.headers()).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': expect.stringMatching(/^attachment; filename\*=UTF-8''%C3%9Cn/),
      'content-security-policy': "sandbox; default-src 'none'",
      'x-content-type-options': 'nosniff',
    });
    const beyond = await owner.request.get(file, { headers: { range: `bytes=${BYTES.length}-` } });
    expect([beyond.status(), beyond.headers()['content-range']]).toEqual([416, `bytes */${BYTES.length}`]);
    const same = await owner.request.get(file, { headers: { 'if-none-match': part.headers().etag! } });
    expect(same.status()).toBe(304);
    expect((await owner.request.head(file)).headers()['content-length']).toBe(String(BYTES.length));
    expect((await owner.request.get(`${origin}/files/latest/nowhere`)).status()).toBe(404);
    const empty = await owner.request.get(`${origin}/files/latest/empty`);
    expect([empty.status(), (await empty.body()).length]).toEqual([200, 0]);
  });
});

describe('a share link', () => {
  it('gives a stranger the file byte for byte, under its name, and the name to nobody else', async () => {
    const { id, link } = await share();
    const { page, said, leave } = await visit(link);
    await page.getByRole('heading', { level: 2, name: NAME }).waitFor();
    await expectFaultless(page);
    const button = page.getByRole('button', { name: 'Download' });
    const got = await downloaded(page, async () => {
      await button.focus();
      await page.keyboard.press('Enter');
    });
    expect(got.bytes.equals(BYTES)).toBe(true);
    // The browser replaces what its file system does not take.
    expect(got.name).toMatch(/^Ünï .côde. .b.🎈\.bin$/u);
    await page.getByText('is whole and unchanged').waitFor();
    await expectFaultless(page);
    expect(said).toEqual([]);
    await leave();
    const seen = await (await fetch(`${origin}/s/${id}`)).text();
    const sealed = await readFile(join(client.home.path, 'shares', id, 'sealed'));
    for (const word of ['côde', '🎈']) expect(seen).not.toContain(word);
    for (const hidden of [Buffer.from('côde'), BYTES.subarray(0, 16)]) expect(sealed.includes(hidden)).toBe(false);
  });

  it('counts downloads, also across a restart of the agent, and works as often as was said', async () => {
    const { link } = await share('--downloads', '2');
    for (let i = 0; i < 2; i++) {
      const { page, leave } = await visit(link);
      const button = page.getByRole('button', { name: 'Download' });
      expect((await downloaded(page, () => button.click())).bytes.equals(BYTES)).toBe(true);
      await leave();
      if (i > 0) continue;
      await agent.stop();
      const { clock, log } = world();
      const listen = { host: '127.0.0.1', port: agent.webPort! };
      const web = { listen, visits: 'none' } as const;
      agent = await startAgent({ homePath: client.home.path, listen: { ...listen, port: 0 }, web }, { clock, log });
    }
    const { page, leave } = await visit(link, /status of 404/);
    await heading(page, 'Nothing here');
    await expectFaultless(page);
    await leave();
    const { shares } = (await peerkeep('share', 'list')) as { shares: { downloads: number; downloads_max: number }[] };
    expect(shares.at(-1)).toMatchObject({ downloads: 2, downloads_max: 2 });
  });

  it('does not count what a person with a wrong key does, and says what is wrong', async () => {
    const { id, link } = await share('--downloads', '1');
    const wrong = `${link.slice(0, -6)}AAAAAA`;
    for (const text of [wrong, link.slice(0, -1), link.replace(/#.*/, '')]) {
      const { page, said, leave } = await visit(text);
      await page.getByRole('alert').getByText('The key in the link does not open this file').waitFor();
      await expectFaultless(page);
      expect(said).toEqual([]);
      await leave();
    }
    const { shares } = (await peerkeep('share', 'list')) as { shares: { id: string; downloads: number }[] };
    expect(shares.find((one) => one.id === id)?.downloads).toBe(0);
  });

  it('saves nothing of a file that was changed on the way', async () => {
    const { id, link } = await share();
    const path = join(client.home.path, 'shares', id, 'sealed');
    const sealed = await readFile(path);
    sealed[sealed.length - 1]! ^= 1;
    await writeFile(path, sealed);
    const { page, leave } = await visit(link);
    const downloads: unknown[] = [];
    page.on('download', (download) => downloads.push(download));
    await page.getByRole('button', { name: 'Download' }).click();
    await page.getByRole('alert').getByText('nothing was saved').waitFor();
    expect(downloads).toEqual([]);
    await leave();
  });

  it('goes on behind the last whole piece when the connection breaks, as the same download', async () => {
    const { id, link } = await share('--downloads', '1');
    const { page, leave } = await visit(link);
    const ranges: string[] = [];
    await page.route('**/sealed', async (route) => {
      ranges.push((await route.request().headerValue('range'))!);
      if (ranges.length > 1) return route.continue();
      const answer = await route.fetch();
      const body = (await answer.body()).subarray(0, SHARE_PIECE_BYTES + SHARE_TAG_BYTES + 100);
      const { 'content-length': _, ...headers } = answer.headers();
      return route.fulfill({ status: answer.status(), headers, body });
    });
    const got = await downloaded(page, () => page.getByRole('button', { name: 'Download' }).click());
    expect(got.bytes.equals(BYTES)).toBe(true);
    expect(ranges).toEqual([
      `bytes=${SHARE_HEAD_BYTES}-`,
      `bytes=${SHARE_HEAD_BYTES + SHARE_PIECE_BYTES + SHARE_TAG_BYTES}-`,
    ]);
    await leave();
    const { shares } = (await peerkeep('share', 'list')) as { shares: { id: string; downloads: number }[] };
    expect(shares.find((one) => one.id === id)?.downloads).toBe(1);
  });

  it('ends: the same answer for one that has ended, is withdrawn, is used up, and never was', async () => {
    const withdrawn = await share();
    const ended = await share('--expires', '1h');
    await peerkeep('share', 'revoke', withdrawn.id);
    world().clock.advance(2 * 3_600_000);
    const never = `${origin}/s/${withdrawn.id.split('').reverse().join('').replace(/^./, 'A').replace(/.$/, 'A')}`;
    const answers = await Promise.all(
      [withdrawn.link, ended.link, never].map(async (link) => {
        const page = await fetch(link.replace(/#.*/, ''), { headers: { accept: 'text/html' } });
        const head = await fetch(`${link.replace(/#.*/, '')}/head`);
        return { status: [page.status, head.status], texts: [await page.text(), await head.text()] };
      }),
    );
    expect(answers[0]!.status).toEqual([404, 404]);
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]!.texts[1]).toContain('share_gone');
    // What has ended leaves the disk with the next look at the list.
    await peerkeep('share', 'create', 'latest', `/${NAME}`, '--origin', origin);
    await expect(stat(join(client.home.path, 'shares', ended.id))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is fetched by the command without trusting any page', async () => {
    const { link } = await share('--downloads', '1');
    const target = world().path('fetched.bin');
    await peerkeep('share', 'fetch', link, '--target', target);
    expect((await readFile(target)).equals(BYTES)).toBe(true);
    const again = await peerkeepHere(
      { home: client.home.path, clock: world().clock, log: world().log },
      ...['share', 'fetch', link, '--target', `${target}.2`],
    );
    expect([again.code, /used up/.test(again.stderr), existsSync(`${target}.2`)]).toEqual([1, true, false]);
  });

  it('is withdrawn by its owner in the browser', async () => {
    const { id, link } = await share('--expires', `${(5 * DAY_MS) / DAY_MS}d`);
    await owner.clearCookies();
    const { page, said } = await watchedPage(owner);
    await page.goto(await newLink());
    await heading(page, 'This host');
    await page.getByRole('link', { name: 'Shares' }).click();
    await heading(page, 'Shares');
    await expectFaultless(page);
    const rows = await page.getByRole('row').count();
    await page
      .getByRole('button', { name: `Withdraw ${NAME}` })
      .last()
      .click();
    await expect.poll(() => page.getByRole('row').count()).toBeLessThan(rows);
    expect((await fetch(`${origin}/s/${id}`)).status).toBe(404);
    expect(said).toEqual([]);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await heading(page, 'Sign in');
    expect((await page.goto('/shares'))?.status()).toBe(401);
    expect(link).toContain(id);
    await page.close();
  });
});
