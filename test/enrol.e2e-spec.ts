// Machines without keys, a person with a browser: the built commands in terminals, approvals on the broker's pages, and the
// first backup that comes back byte for byte (B1, B2, B4, B6; RFC 8628).
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareTrees } from '../scripts/demo/compare-trees.js';
import { PersonBrowser } from './person-browser.js';
import { runCommand } from './run-command.js';
import { TerminalCommand } from './terminal-command.js';

/** Questions often enough that nobody waits long. */
const POLICY = { deviceEnrolmentPollMs: 250 };

let folder: string;
let broker: TerminalCommand;
let link: string;
const started: TerminalCommand[] = [];
const browsers: PersonBrowser[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'peerkeep-enrol-'));
  const dataDir = join(folder, 'broker');
  await mkdir(dataDir, { mode: 0o700 });
  await writeFile(join(dataDir, 'policy.json'), JSON.stringify(POLICY));
  broker = start('peerkeep-server', ['start', '--data-dir', dataDir, '--listen', '127.0.0.1:0', '--test-mode']);
  link = (await broker.says(/^join link: (peerkeep:\S+)$/m))[1]!;
}, 60_000);

afterAll(async () => {
  await Promise.all(browsers.map((browser) => browser.close()));
  await Promise.all(started.map((command) => command.end('SIGTERM')));
  await rm(folder, { recursive: true, force: true });
}, 60_000);

function start(...[program, args, environment]: Parameters<typeof TerminalCommand.start>): TerminalCommand {
  const command = TerminalCommand.start(program, args, environment);
  started.push(command);
  return command;
}

const home = (name: string): string => join(folder, name);

async function openBrowser(options: { javaScript?: boolean } = {}): Promise<PersonBrowser> {
  const browser = await PersonBrowser.open(options);
  browsers.push(browser);
  return browser;
}

interface Shown {
  readonly code: string;
  readonly key: string;
  readonly address: string;
}

/** What the terminal of a machine that waits shows. */
async function shownBy(command: TerminalCommand): Promise<Shown> {
  const address = (await command.says(/filled in: (https:[^\s"]+)/))[1]!;
  const code = (await command.says(/code: (\w{4}-\w{4})/))[1]!;
  const key = (await command.says(/key of this machine: ([0-9a-f ]{24}) /))[1]!;
  expect((await command.says(/open (https:\S+) in/))[1]).toBe(address.split('?')[0]);
  return { code, key, address };
}

const enrolHost = (name: string, environment: NodeJS.ProcessEnv = {}): TerminalCommand =>
  start('peerkeep-agent', ['enrol', link, '--share', '1GB', '--home', home(name), '--name', name], environment);

const serve = (name: string, environment: NodeJS.ProcessEnv = {}): TerminalCommand =>
  start('peerkeep-agent', ['run', '--home', home(name), '--listen', '127.0.0.1:0'], environment);

/** From the page where the code is typed to the machine that it belongs to. */
async function goToMachine(browser: PersonBrowser, { code, key }: Shown, name: string): Promise<void> {
  const { page } = browser;
  expect(await page.getByLabel('Code on the machine').inputValue()).toBe(code);
  await browser.answerCaptcha();
  await page.getByRole('button', { name: 'Go on' }).click();
  const text = await page.getByRole('main').innerText();
  for (const told of ['Is this your machine?', name, code, key, '127.0.0.1', 'started yourself']) {
    expect(text).toContain(told);
  }
}

describe('enrolment by a person', { timeout: 240_000 }, () => {
  it('lets machines in from terminals without keys, and what is backed up comes back', async () => {
    const host = enrolHost('host-1');
    const shownHost = await shownBy(host);
    const browser = await openBrowser();
    const { page } = browser;

    // Nobody is signed in: registration first, and back to the page with its code.
    await page.goto(shownHost.address);
    await browser.registerAndSignIn();
    expect(await browser.accessibilityFaults()).toEqual([]);
    await goToMachine(browser, shownHost, 'host-1');
    expect(await browser.accessibilityFaults()).toEqual([]);
    await page.getByRole('button', { name: 'Approve' }).click();
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('Approved');
    expect(await browser.accessibilityFaults()).toEqual([]);
    const enrolled = await host.ended;
    expect(enrolled.code).toBe(0);
    expect(enrolled.stdout).toMatch(/^enrolled as host-1 \(\S+\), sharing 1\.0 GB\n$/);
    await serve('host-1').says(/^online: /m);

    const init = start('peerkeep', ['init', link, '--home', home('client'), '--name', 'client', '--json']);
    const shownClient = await shownBy(init);
    await page.goto(shownClient.address);
    await goToMachine(browser, shownClient, 'client');
    await page.getByRole('button', { name: 'Approve' }).click();
    const made = await init.ended;
    expect(made.code).toBe(0);
    // stdout is data alone: the talk about the code went to stderr.
    expect(JSON.parse(made.stdout)).toMatchObject({
      name: 'client',
      recovery_phrase: expect.stringMatching(/^\S+( \S+){23}$/),
    });
    await page.goto(new URL('/account', page.url()).href);
    expect(await page.getByRole('table').innerText()).toMatch(/host-1[\s\S]*client|client[\s\S]*host-1/);

    const source = join(folder, 'source');
    await mkdir(join(source, 'deep'), { recursive: true });
    await writeFile(join(source, 'deep', 'big.bin'), randomBytes(3_000_000));
    await writeFile(join(source, 'note.txt'), 'a note\n');
    expect(await runCommand('peerkeep', ['backup', source, '--home', home('client')])).toMatchObject({ code: 0 });
    const target = join(folder, 'target');
    const restore = ['restore', 'latest', '--target', target, '--home', home('client')];
    expect(await runCommand('peerkeep', restore)).toMatchObject({ code: 0 });
    expect((await compareTrees(source, target, [])).differences).toEqual([]);
  });

  it('works without JavaScript, and a refusal ends the command with 5', async () => {
    const host = enrolHost('host-2');
    const shown = await shownBy(host);
    const browser = await openBrowser({ javaScript: false });
    const { page } = browser;
    await page.goto(shown.address);
    await browser.signIn();

    // A wrong answer shows the code again, and a wrong code says so; neither tells more.
    await page.locator('input[name=captcha-answer]').fill('2222');
    await page.getByRole('button', { name: 'Go on' }).click();
    expect(await page.getByRole('alert').innerText()).toContain('too old');
    await page.getByLabel('Code on the machine').fill('BCDF-GHJK');
    await browser.answerCaptcha();
    await page.getByRole('button', { name: 'Go on' }).click();
    expect(await page.getByRole('main').innerText()).toContain('No machine waits under this code');

    await page.goto(shown.address);
    await goToMachine(browser, shown, 'host-2');
    await page.getByRole('button', { name: 'Refuse' }).click();
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('Refused');
    const ended = await host.ended;
    expect(ended).toMatchObject({ code: 5, stdout: '' });
    expect(ended.stderr).toContain('refused this enrolment');
  });

  it('stops at Ctrl-C with 130, and leaves no home behind', async () => {
    const host = enrolHost('host-3');
    await shownBy(host);
    expect(await host.end('SIGINT')).toMatchObject({ code: 130, stdout: '' });
    await expect(readFile(join(home('host-3'), 'peer.json'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('seals the home under a credential of systemd, and serves only where that is given (B6)', async () => {
    const credentials = join(folder, 'credentials');
    await mkdir(credentials, { mode: 0o700 });
    await writeFile(join(credentials, 'peerkeep-home-key'), randomBytes(32), { mode: 0o400 });
    const environment = { CREDENTIALS_DIRECTORY: credentials };
    const create = ['enrolment-key', 'create', '--data-dir', join(folder, 'broker')];
    const key = (await runCommand('peerkeep-server', create)).stdout.trim();

    const enrolled = await enrolHost('host-4', { ...environment, PEERKEEP_ENROLMENT_KEY: key }).ended;
    expect(enrolled).toMatchObject({ code: 0, stderr: '' });
    expect(await readFile(join(home('host-4'), 'identity.key'), 'utf8')).toMatch(/^peerkeep-sealed-1 /);
    const locked = await serve('host-4').ended;
    expect(locked.code).toBe(1);
    expect(locked.stderr).toContain('the secret files of this home are sealed');
    await serve('host-4', environment).says(/^online: /m);
  });
});
