// F3: a browser that knows nothing but a peer's URL reaches the pages of a peer that nobody can connect to, through a relay: the
// relay's certificate, HTTP/2, the peer's own connection, the agent's pages. The relay learns neither name nor key of what is shared.
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signInLink } from '../apps/peer-agent/src/commands/web.js';
import { type RunningAgent, startAgent } from '../apps/peer-agent/src/start-agent.js';
import { type RunningRelay, startRelay } from '../apps/relay/src/start-relay.js';
import { TestAuthority } from './authority.js';
import { messagesOf, peerkeepHere } from './command-here.js';
import { eventually } from './eventually.js';
import { World, type WorldClient } from './world.js';

const CHROMIUM = process.env.PEERKEEP_TEST_CHROMIUM ?? '/usr/bin/chromium';
const DOMAIN = 'peers.test';
const NAME = 'secret plans.bin';
const BYTES = randomBytes(1_500_000);

let world: World;
let relay: RunningRelay;
let client: WorldClient;
let agent: RunningAgent;
let browser: Browser;
let origin: string;
let link: string;

beforeAll(async () => {
  if (!existsSync(CHROMIUM))
    throw new Error(`there is no Chromium at ${CHROMIUM}: install it, or set PEERKEEP_TEST_CHROMIUM`);
  world = await World.create({ hosts: 4, policy: { relayDomain: DOMAIN } });
  const { key } = await world.broker.createEnrolmentKey({ purpose: 'relay' });
  await world.enrol('relay-1', { credential: { kind: 'enrolment-key', key } });
  const { clock, log } = world;
  const here = { host: '127.0.0.1', port: 0 };
  const web = await (await TestAuthority.create()).issueNames([{ type: 'dns', value: `*.${DOMAIN}` }]);
  const homePath = join(world.folder, 'relay-1');
  relay = await startRelay(
    { homePath, listen: here, publicAddress: here, web: { ...web, listen: here } },
    { clock, log },
  );
  await relay.noticed;
  await relay.triggers.network();
  origin = `https://attic.${DOMAIN}:${relay.webPort}`;

  client = await world.addClient('attic');
  await client.backup(await world.writeFiles('source', { [NAME]: BYTES, 'words.txt': 'words' }));
  await world.settle();
  await client.close();
  const listen = { host: '127.0.0.2', port: 0 };
  const settings = { relay: 'always', web: { listen: null, visits: 'owner' } } as const;
  agent = await startAgent({ homePath: client.home.path, listen, ...settings }, { clock, log });
  await agent.triggers.network();
  await agent.triggers.relay();
  await agent.triggers.relay();
  await eventually(() => relay.peers.count === 1);
  const place = { home: client.home.path, clock, log };
  const made = await peerkeepHere(place, 'share', 'create', 'latest', `/${NAME}`, '--json');
  expect(made.stderr).not.toContain('hint');
  // The public name of this machine, on the port of https; the test's relay has another one.
  const known = messagesOf(made).at(-1)!.link as string;
  expect(known).toMatch(new RegExp(`^https://attic\\.${DOMAIN}/s/[\\w-]{22}#[\\w-]{43}$`));
  link = known.replace(`https://attic.${DOMAIN}`, origin);
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-sync',
      `--host-resolver-rules=MAP *.${DOMAIN} 127.0.0.1`,
    ],
  });
}, 180_000);
afterAll(async () => {
  await browser?.close();
  await agent?.stop();
  await relay?.kill();
  await world?.close();
});

const newContext = (): Promise<BrowserContext> => browser.newContext({ ignoreHTTPSErrors: true });

async function downloaded(page: Page, click: () => Promise<void>): Promise<Buffer> {
  const [download] = await Promise.all([page.waitForEvent('download'), click()]);
  return readFile(await download.path());
}

/** Asked by the page itself: it alone knows the way. */
async function asked({ path, range }: { path: string; range: string }): Promise<[number, string]> {
  const answer = await fetch(path, { headers: { range } });
  return [answer.status, await answer.text()];
}

/** What the browser complains of. */
function complaintsOf(page: Page): string[] {
  const said: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of 4(?:01|16)/.test(message.text())) said.push(message.text());
  });
  page.on('pageerror', (error) => said.push(String(error)));
  return said;
}

describe('a visitor with nothing but a link', () => {
  it('gets the file byte for byte through the relay, by HTTP/2', async () => {
    const context = await newContext();
    const page = await context.newPage();
    const said = complaintsOf(page);
    await page.goto(link);
    await page.getByRole('heading', { level: 2, name: NAME }).waitFor();
    expect(await page.evaluate('performance.getEntriesByType("navigation")[0].nextHopProtocol')).toBe('h2');
    const bytes = await downloaded(page, () => page.getByRole('button', { name: 'Download' }).click());
    expect(bytes.equals(BYTES)).toBe(true);
    await page.getByText('is whole and unchanged').waitFor();
    expect(said).toEqual([]);
    // All of it is counted under the lease of the peer.
    expect(relay.peers.find(client.peerId)!.lease!.ownBytes).toBeGreaterThan(BYTES.length);
    await context.close();
  });

  it('is told in plain words of a peer that is not there', async () => {
    const context = await newContext();
    const page = await context.newPage();
    const answer = await page.goto(origin.replace('attic', 'cellar'));
    expect(answer?.status()).toBe(502);
    await page.getByRole('heading', { name: 'Not reached' }).waitFor();
    await context.close();
  });
});

describe('the owner', () => {
  it('signs in through the relay where he allows that, sees the status live, and restores one file', async () => {
    const context = await newContext();
    const page = await context.newPage();
    const said = complaintsOf(page);
    expect((await page.goto(origin))?.status()).toBe(401);
    const signIn = await signInLink({ homePath: client.home.path, homeKey: null, isVisit: true, clock: world.clock });
    await page.goto(signIn.replace(`https://attic.${DOMAIN}`, origin));
    await page.getByRole('heading', { name: 'This host' }).waitFor();
    expect(await page.locator('[data-fact=peer]').textContent()).toContain(client.peerId);
    // Server-sent events come through as they are sent.
    await page.getByText('Up to date').waitFor();
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({
      name: '__Host-peerkeep-owner',
      domain: `attic.${DOMAIN}`,
      httpOnly: true,
      secure: true,
    });
    await page.getByRole('link', { name: 'Files' }).click();
    await page.getByRole('link', { name: 'latest/' }).click();
    const bytes = await downloaded(page, () => page.getByRole('link', { name: NAME }).click());
    expect(bytes.equals(BYTES)).toBe(true);
    expect(await page.evaluate(asked, { path: '/files/latest/words.txt', range: 'bytes=1-3' })).toEqual([206, 'ord']);
    expect(await page.evaluate(asked, { path: '/files/latest/words.txt', range: 'bytes=9-' })).toEqual([416, '']);
    await page.goto(origin);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(said).toEqual([]);
    await context.close();
  });
});
