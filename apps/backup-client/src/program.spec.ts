// The command line: a wrong one does nothing, says so, and ends with 2; failures before any network have their codes.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeClock, openLog } from '#process';
import { ProtocolError } from '#protocol';
import { RecordedOutput } from '../../../test/recorded-output.js';
import { EXIT, exitCodeOf } from './exit-codes.js';
import { buildProgram } from './program.js';
import { readPhrase } from './read-phrase.js';
import { Terminal } from './terminal.js';

const LINK = `peerkeep://127.0.0.1:1/#${'a'.repeat(64)}`;
const WORDS = `${'abandon '.repeat(23)}art`;

let folder: string;
let stdout: RecordedOutput;
let stderr: RecordedOutput;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'peerkeep-cli-'));
  stdout = new RecordedOutput();
  stderr = new RecordedOutput();
});
afterEach(() => rm(folder, { recursive: true }));

/** Run the command line as main does; returns the exit code. */
async function run(args: readonly string[], phrase = ''): Promise<number> {
  const clock = new FakeClock(Date.UTC(2026, 10, 20));
  const terminal = new Terminal(stdout, stderr, clock);
  let exitCode: number = EXIT.ok;
  const context = {
    terminal,
    clock,
    log: openLog('test', 'silent'),
    environment: { PEERKEEP_HOME: join(folder, 'home') },
    signal: new AbortController().signal,
    readPhrase: () => readPhrase(Readable.from([phrase]), process.stderr, new AbortController().signal),
    stdin: Readable.from([]),
    setExitCode: (code: number) => {
      exitCode = code;
    },
  };
  try {
    await buildProgram(context, { stdout, stderr }).parseAsync(['node', 'peerkeep', ...args]);
    return exitCode;
  } catch (error) {
    terminal.explain(error);
    return exitCodeOf(error);
  }
}

describe('a wrong command line', () => {
  it.each<[string, readonly string[]]>([
    ['no command', []],
    ['an unknown command', ['back']],
    ['an unknown option', ['backup', '/x', '--fast']],
    ['a missing path', ['dump', 'latest']],
    ['a missing snapshot', ['ls']],
    ['too many snapshots', ['ls', 'a', 'b']],
    ['a missing target', ['restore', 'latest']],
    ['an option without its value', ['restore', 'latest', '--target']],
    ['a missing join link', ['init']],
    ['a join link that is none', ['init', 'https://example.org', '--key', `pke_${'a'.repeat(43)}`]],
    ['an enrolment key for a recovery from escrow', ['recover', LINK, '--escrow', '--key', `pke_${'a'.repeat(43)}`]],
    ['snapshots and a policy to forget them by', ['forget', 'latest', '--keep-last', '1']],
    ['a count that is none', ['forget', '--keep-last', 'many']],
    ['a time that is none', ['forget', '--keep-within', '5x']],
    ['an unknown group', ['forget', '--keep-last', '1', '--group-by', 'size']],
    ['no change of tags', ['tag', 'latest']],
    ['two ways to change tags', ['tag', 'latest', '--set', 'a', '--add', 'b']],
    ['no last snapshots', ['snapshots', '--latest', '0']],
    ['--no-wait without escrow', ['recover', LINK, '--no-wait']],
    ['a name that is no DNS label', ['init', LINK, '--name', 'My Laptop', '--key', `pke_${'a'.repeat(43)}`]],
  ])('with %s ends with 2, prints no data, and makes nothing', async (_what, args) => {
    expect(await run(args)).toBe(EXIT.usage);
    expect(stdout.text).toBe('');
    expect(stderr.text).not.toBe('');
    expect(await readdir(folder)).toEqual([]);
  });

  it('has its reason on stderr under the name of the program, with a hint', async () => {
    await run(['restore', 'latest']);
    expect(stderr.text).toMatch(/^peerkeep: error: .*--target.*\n {2}hint: See --help\.\n$/);
  });
});

describe('a command that only restic has', () => {
  it.each([
    ['cache', 'client/cache'],
    ['copy', 'peerkeep repair'],
    ['migrate', 'nothing to migrate'],
    ['mount', 'peerkeep browse'],
    ['rebuild-index', 'peerkeep check'],
    ['rewrite', 'peerkeep forget'],
    ['unlock', 'no locks'],
  ])('%s is told what to do instead', async (name, instead) => {
    expect(await run([name, '--remove-all'])).toBe(EXIT.usage);
    expect(stdout.text).toBe('');
    expect(stderr.text).toContain(`unknown command '${name}'`);
    expect(stderr.text).toMatch(new RegExp(`hint: .*${instead}.*\\n$`));
  });

  it('is not any other one', async () => {
    expect(await run(['constructor'])).toBe(EXIT.usage);
    expect(stderr.text).toMatch(/hint: See --help\.\n$/);
  });
});

describe('--help', () => {
  it.each(['init', 'backup', 'snapshots', 'ls', 'restore', 'check', 'recover'])(
    'explains %s on stdout',
    async (name) => {
      expect(await run([name, '--help'])).toBe(EXIT.ok);
      expect(stdout.text).toContain(`Usage: peerkeep ${name}`);
      for (const option of ['--home', '--json']) expect(stdout.text).toContain(option);
    },
  );
});

describe('forget', () => {
  it('without a policy removes nothing, and says so', async () => {
    expect(await run(['forget', '--json'])).toBe(EXIT.ok);
    expect(stdout.text).toBe('[]\n');
    expect(stderr.text).toContain('no policy was specified');
  });
});

describe('what fails before anything is asked of the network', () => {
  it.each<[string, readonly string[], number, string]>([
    ['a home that is not there', ['snapshots'], EXIT.error, 'no Peerkeep home'],
    ['an init with two keys', ['init', LINK, '--key', 'x', '--key-file', 'y'], EXIT.usage, 'not both'],
    ['a key file that is not there', ['init', LINK, '--key-file', '/nowhere/key'], EXIT.usage, 'does not exist'],
    ['an enrolment key that is none', ['init', LINK, '--key', 'x'], EXIT.credentials, 'enrolment key'],
  ])('%s has its code', async (_what, args, code, text) => {
    expect(await run(args)).toBe(code);
    expect(stderr.text).toContain(text);
    expect(stdout.text).toBe('');
  });

  it.each([
    ['too few words', 'abandon art'],
    ['an unknown word', WORDS.replace('art', 'arrt')],
    ['a wrong check word', WORDS.replace('art', 'zoo')],
  ])('a phrase with %s ends with 5, and is not repeated', async (_what, phrase) => {
    expect(await run(['recover', LINK], phrase)).toBe(EXIT.credentials);
    expect(stderr.text).not.toContain('abandon');
    expect(stderr.text).not.toContain('arrt');
    expect(await readdir(folder)).toEqual([]);
  });

  it('a broker that is not there ends with 4, and leaves no home', async () => {
    expect(await run(['recover', LINK], WORDS)).toBe(EXIT.unreachable);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('exit codes', () => {
  it.each([
    ['interrupted', EXIT.interrupted],
    ['not_enough_hosts', EXIT.unreachable],
    ['object_unavailable', EXIT.unreachable],
    ['recovery_proof_invalid', EXIT.credentials],
    ['broker_untrusted', EXIT.error],
    ['target_not_empty', EXIT.error],
  ] as const)('%s ends with %i', (code, exit) => expect(exitCodeOf(new ProtocolError(code))).toBe(exit));

  it('anything unknown ends with 1', () => expect(exitCodeOf(new Error('odd'))).toBe(EXIT.error));
});
