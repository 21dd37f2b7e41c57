// Escrow from the command line (B7): a machine is lost, a person signs in and waits, everything comes back byte for byte; a stop
// stops it; and of an account that chose no escrow the broker with all its secrets opens nothing.
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PeerHome } from '#peer-home';
import type { AccountId } from '#protocol';
import { EXIT, exitCodeOf } from '../apps/backup-client/src/exit-codes.js';
import { buildProgram } from '../apps/backup-client/src/program.js';
import { Terminal } from '../apps/backup-client/src/terminal.js';
import { PASSWORD, signedIn, type WebVisitor } from '../apps/server/src/testing/web-visitor.js';
import { compareTrees } from '../scripts/demo/compare-trees.js';
import { attackAccount, replaceEscrow } from './escrow-attack.js';
import { RecordedOutput } from './recorded-output.js';
import { World } from './world.js';

const EMAIL = 'ada@example.org';
const WAIT_MS = 6 * 60 * 60_000;
/** The interval between two questions of a machine that waits for its approval. */
const POLL_MS = 5_000;

let world: World;
let person: WebVisitor;

beforeAll(async () => {
  world = await World.create({ hosts: 3, testMode: true, policy: { escrowWaitMs: WAIT_MS } });
  const url = `https://127.0.0.1:${world.broker.port}`;
  person = await signedIn({ url, caPem: () => readFile(join(world.dataDir, 'ca.pem'), 'utf8') }, EMAIL);
}, 60_000);
afterAll(async () => {
  await person.leave();
  await world.close();
});

/** Tells at once what a command says. */
class HeardOutput extends RecordedOutput {
  onText: () => void = () => undefined;

  override write(text: string | Uint8Array, done?: () => void): boolean {
    super.write(text, done);
    this.onText();
    return true;
  }

  hears(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve) => {
      this.onText = () => {
        const match = pattern.exec(this.text);
        if (match !== null) resolve(match);
      };
      this.onText();
    });
  }
}

interface Command {
  readonly stdout: HeardOutput;
  readonly stderr: HeardOutput;
  readonly ended: Promise<number>;
}

/** Run a command line as main does, on the world's clock. */
function peerkeep(home: string, ...args: string[]): Command {
  const stdout = new HeardOutput();
  const stderr = new HeardOutput();
  const terminal = new Terminal(stdout, stderr, world.clock);
  let exitCode: number = EXIT.ok;
  const context = {
    terminal,
    clock: world.clock,
    log: world.log,
    environment: { PEERKEEP_HOME: world.path(home) },
    signal: new AbortController().signal,
    readPhrase: async () => '',
    stdin: Readable.from([]),
    setExitCode: (code: number) => {
      exitCode = code;
    },
  };
  const run = async (): Promise<number> => {
    try {
      await buildProgram(context, { stdout, stderr }).parseAsync(['node', 'peerkeep', ...args]);
      return exitCode;
    } catch (error) {
      terminal.explain(error);
      return exitCodeOf(error);
    }
  };
  return { stdout, stderr, ended: run() };
}

/** A command that needs a person: approve it on the pages, after a sign-in. */
async function approved(command: Command): Promise<number> {
  const [, code] = await command.stderr.hears(/code: (\S{4}-\S{4})/);
  await person.submit('/sign-in', { email: EMAIL, password: PASSWORD });
  const shown = await person.submit('/enrol', { code: code! });
  const decided = await person.submit(String(shown.headers.location), { decision: 'approved' });
  expect(decided.text).toContain('is let into your account');
  world.clock.advance(POLL_MS);
  return command.ended;
}

const said = ({ stdout, stderr }: Command): string => `${stderr.text}${stdout.text}`;
const accountOf = (command: Command): AccountId =>
  (JSON.parse(command.stdout.text) as { account_id: AccountId }).account_id;

describe('escrow', { timeout: 120_000 }, () => {
  it('brings everything back after a sign-in and the wait, on a machine that knows no phrase', async () => {
    const source = await world.writeFiles('source', { 'a/big.bin': randomBytes(600_000), 'note.txt': 'a note\n' });
    const init = peerkeep('laptop', 'init', world.broker.joinLink, '--escrow', '--name', 'laptop', '--json');
    expect(await approved(init), said(init)).toBe(EXIT.ok);
    expect(init.stderr.text).toContain('whoever operates it could read all of them');
    const backup = peerkeep('laptop', 'backup', source);
    expect(await backup.ended, said(backup)).toBe(EXIT.ok);
    expect(backup.stderr.text).not.toContain('asks for the key');
    await world.settle();

    const recover = (...more: string[]): Command =>
      peerkeep('new', 'recover', world.broker.joinLink, '--escrow', '--name', 'new', ...more);
    const first = recover('--no-wait');
    expect(await approved(first), said(first)).toBe(EXIT.waiting);
    expect(first.stdout.text).toMatch(/^waiting until /);
    const warned = peerkeep('laptop', 'backup', source);
    expect(await warned.ended, said(warned)).toBe(EXIT.ok);
    expect(warned.stderr.text).toContain('machine new asks for the key to your backups');

    // The same home, later: the machine is not enrolled again, and its wait goes on.
    await world.pass(WAIT_MS - 60_000);
    const second = recover();
    await second.stderr.hears(/the same command goes on from here/);
    const restore = peerkeep('new', 'restore', 'latest', '--target', world.path('copy'));
    expect(await restore.ended).not.toBe(EXIT.ok);
    await world.pass(60_000);
    expect(await second.ended, said(second)).toBe(EXIT.ok);

    const restored = peerkeep('new', 'restore', 'latest', '--target', world.path('copy'));
    expect(await restored.ended, said(restored)).toBe(EXIT.ok);
    expect((await compareTrees(source, world.path('copy'), [])).differences).toEqual([]);

    // The positive control of the attack below: what is in escrow opens for whoever has the broker.
    const attack = await attackAccount(world, accountOf(init));
    expect(attack.objects).toBeGreaterThan(0);
    expect(attack.opened).toBe(attack.objects);
  });

  it('is stopped by another machine, for good', async () => {
    const recover = (): Command =>
      peerkeep('thief', 'recover', world.broker.joinLink, '--escrow', '--no-wait', '--name', 'thief');
    const first = recover();
    expect(await approved(first), said(first)).toBe(EXIT.waiting);
    const cancel = peerkeep('laptop', 'escrow', 'cancel');
    expect(await cancel.ended, said(cancel)).toBe(EXIT.ok);
    await world.pass(WAIT_MS);
    const again = recover();
    expect(await again.ended).toBe(EXIT.credentials);
    expect(again.stderr.text).toContain('this recovery was stopped');
  });

  it('of an account that chose none: the broker with all its secrets opens nothing', async () => {
    const client = await world.addClient('private');
    await client.backup(await world.writeFiles('private-source', { 'secret.txt': 'nobody reads this\n' }));
    await world.settle();
    const attack = await attackAccount(world, client.home.identity.accountId);
    expect(attack.objects).toBeGreaterThan(0);
    expect(attack.secrets).toBeGreaterThan(50);
    expect(attack.opened).toBe(0);
  });

  it('that was turned off opens nothing any more either', async () => {
    const off = peerkeep('laptop', 'escrow', 'off', '--json');
    expect(await off.ended, said(off)).toBe(EXIT.ok);
    const attack = await attackAccount(world, accountOf(off));
    expect(attack.objects).toBeGreaterThan(0);
    expect(attack.opened).toBe(0);
    const status = peerkeep('laptop', 'escrow', 'status', '--json');
    expect(await status.ended).toBe(EXIT.ok);
    expect(JSON.parse(status.stdout.text)).toEqual({ stored_at: null, recoveries: [], events: expect.any(Array) });
  });

  // Last: it lets so much time pass that TLS takes no certificate which is made then.
  it.each(['another key', 'noise'] as const)(
    'refuses %s in the place of what was left there, and keeps nothing of it',
    async (replacement) => {
      const status = peerkeep('laptop', 'escrow', 'off', '--json');
      expect(await status.ended, said(status)).toBe(EXIT.ok);
      expect(await peerkeep('laptop', 'escrow', 'on').ended).toBe(EXIT.ok);
      await replaceEscrow(world, accountOf(status), replacement);
      const home = `deceived-by-${replacement.replace(' ', '-')}`;
      const recover = (...more: string[]): Command =>
        peerkeep(home, 'recover', world.broker.joinLink, '--escrow', '--name', 'deceived', ...more);
      const first = recover('--no-wait');
      expect(await approved(first), said(first)).toBe(EXIT.waiting);
      await world.pass(WAIT_MS);
      const second = recover();
      expect(await second.ended, said(second)).toBe(EXIT.credentials);
      expect(second.stderr.text).toContain('what the broker keeps in escrow is not the key of this account');
      expect(await (await PeerHome.open(world.path(home), null)).hasMasterKey()).toBe(false);
    },
  );
});
