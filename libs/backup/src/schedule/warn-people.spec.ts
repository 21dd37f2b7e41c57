// Warnings reach people: by real programs and over real sockets, bounded in time and number, with nothing for a shell.
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeClock, postWebhook, WEBHOOK_TRIES_MAX } from '#process';
import { type ClientConfig, parseClientConfig } from './client-config.js';
import { DAY_MS, HOOK_KILL_MS } from './limits.js';
import { runHook } from './run-hook.js';
import { RunLog } from './run-log.js';
import { readStandings, warnOfFailure, warnOfOverdue } from './warn-people.js';

const BEGIN_MS = Date.UTC(2026, 10, 21);

let folder: string;
let clock: FakeClock;
let faults: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'peerkeep-warn-'));
  await mkdir(join(folder, 'client'));
  clock = new FakeClock(BEGIN_MS);
  faults = [];
});
afterEach(() => rm(folder, { recursive: true }));

/** A program that writes its arguments and variables down, one call a line. */
const NOTE =
  'const fs = require("node:fs");' +
  'const told = Object.entries(process.env).filter(([name]) => name.startsWith("PEERKEEP_"));' +
  'fs.appendFileSync(process.argv[1], JSON.stringify([process.argv.slice(2), Object.fromEntries(told)]) + "\\n");';

const noteOf = (): string => join(folder, 'told.jsonl');

async function told(): Promise<[string[], Record<string, string>][]> {
  const text = await readFile(noteOf(), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return '';
  });
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as [string[], Record<string, string>]);
}

function options(hooks: Record<string, unknown>) {
  const config: ClientConfig = parseClientConfig({ backups: [{ name: 'default', paths: ['/a'] }], hooks });
  return {
    home: { path: folder, identity: { name: 'laptop', peerId: 'p1' } },
    config,
    clock,
    environment: { ...process.env, PEERKEEP_ENROLMENT_KEY: 'secret', CREDENTIALS_DIRECTORY: '/run/credentials' },
    signal: new AbortController().signal,
    onFault: (detail: string) => faults.push(detail),
  };
}

const hook = (...args: string[]): string[] => [process.execPath, '-e', NOTE, noteOf(), ...args];

/** A listener on loopback that answers with these statuses, the last one again and again. */
async function listen(statuses: readonly number[]): Promise<{ url: string; bodies: string[]; server: Server }> {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (piece: Buffer) => {
      body += piece.toString();
    });
    request.on('end', () => {
      bodies.push(body);
      const status = statuses[Math.min(bodies.length, statuses.length) - 1]!;
      response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end('ok');
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, bodies, server };
}

describe('an overdue backup', () => {
  const day = async (days: number, warning: ReturnType<typeof options>): Promise<number> => {
    clock.advance(days * DAY_MS);
    await warnOfOverdue(warning);
    return (await told()).length;
  };

  it('is told by the hook once, again each day, and no more after a success', async () => {
    const warning = options({ onOverdue: hook() });
    const runs = new RunLog(folder);
    await runs.append({ set: 'default', startedAtMs: BEGIN_MS, endedAtMs: BEGIN_MS, outcome: 'success' });
    expect(await day(6.9, warning)).toBe(0);
    expect(await day(0.1, warning)).toBe(1);
    expect(await day(0.5, warning)).toBe(1);
    expect(await day(0.5, warning)).toBe(2);
    await runs.append({ set: 'default', startedAtMs: clock.nowMs(), endedAtMs: clock.nowMs(), outcome: 'success' });
    expect(await day(1, warning)).toBe(2);
    expect((await readStandings(warning))[0]).toMatchObject({ isOverdue: false, set: 'default' });
    expect(faults).toEqual([]);
  });

  it('is told of a machine that never backed up, counted from when it was first looked at', async () => {
    const warning = options({ onOverdue: hook() });
    expect(await day(0, warning)).toBe(0);
    expect(await day(7, warning)).toBe(1);
  });

  it('tells the hook what happened by variables, and keeps our secrets', async () => {
    const evil = '$(touch /tmp/never); `id` "\' %n\n-x';
    const warning = options({ onOverdue: hook(evil) });
    await day(0, warning);
    await day(9, warning);
    const [[args, variables]] = (await told()) as [[string[], Record<string, string>]];
    expect(args).toEqual([evil]);
    expect(variables).toEqual({
      PEERKEEP_EVENT: 'backup_overdue',
      PEERKEEP_TIME: '2026-11-30T00:00:00.000Z',
      PEERKEEP_MACHINE: 'laptop',
      PEERKEEP_PEER_ID: 'p1',
      PEERKEEP_SET: 'default',
      PEERKEEP_LAST_SUCCESS: '',
      PEERKEEP_DAYS_WITHOUT_SUCCESS: '9',
      PEERKEEP_CODE: '',
      PEERKEEP_MESSAGE: '',
    });
  });

  it('is posted to the webhook as JSON', async () => {
    const { url, bodies, server } = await listen([200]);
    try {
      const warning = options({ webhook: url });
      await warnOfOverdue(warning);
      clock.advance(8 * DAY_MS);
      await warnOfOverdue(warning);
      expect(bodies.map((body) => JSON.parse(body) as unknown)).toMatchObject([
        { event: 'backup_overdue', machine: 'laptop', set: 'default', days_without_success: 8, last_success: null },
      ]);
    } finally {
      server.close();
    }
  });

  it('whose warnings were damaged on disk is told once too often, and no more', async () => {
    await writeFile(join(folder, 'client', 'warnings.json'), '{');
    const warning = options({ onOverdue: hook() });
    expect(await day(0, warning)).toBe(0);
    expect(await day(7, warning)).toBe(1);
  });
});

describe('a failed backup', () => {
  it('is told at once, with its reason and the last success', async () => {
    const runs = new RunLog(folder);
    await runs.append({ set: 'default', startedAtMs: 1, endedAtMs: 2, outcome: 'success' });
    const failed = {
      set: 'default',
      startedAtMs: 3,
      endedAtMs: 4,
      outcome: 'failure',
      code: 'not_enough_hosts',
    } as const;
    await warnOfFailure(options({ onFailure: hook() }), { ...failed, message: 'too few\0 hosts' });
    expect((await told())[0]![1]).toMatchObject({
      PEERKEEP_EVENT: 'backup_failed',
      PEERKEEP_CODE: 'not_enough_hosts',
      PEERKEEP_MESSAGE: 'too few hosts',
      PEERKEEP_LAST_SUCCESS: '1970-01-01T00:00:00.002Z',
    });
  });

  it('tells when the hook fails, and goes on', async () => {
    const argv = [process.execPath, '-e', 'console.error("no mail"); process.exit(3)'];
    const run = { set: 'default', startedAtMs: 3, endedAtMs: 4, outcome: 'failure' } as const;
    await warnOfFailure(options({ onFailure: argv }), run);
    await warnOfFailure(options({ onFailure: ['/nowhere/at-all'] }), run);
    expect(faults).toEqual([
      expect.stringContaining('ended with 3: no mail'),
      expect.stringContaining('cannot be run'),
    ]);
  });
});

const WAIT = { timeout: 10_000, interval: 10 };

/** The process id that a program writes there, when it has. */
async function pidIn(path: string): Promise<number> {
  let text = '';
  await vi.waitFor(async () => {
    text = await readFile(path, 'utf8');
    expect(text).toMatch(/\n$/);
  }, WAIT);
  return Number(text);
}

/** What has ended and is not yet reaped by whoever it fell to does not run. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ESRCH') throw error;
    return false;
  }
}

describe('a hook', () => {
  it('that does not end is ended with all that it started', async () => {
    const script = 'trap "" TERM; sleep 600 & echo started >&2; wait; wait';
    const ended = runHook({
      argv: ['/bin/sh', '-c', script],
      variables: {},
      environment: process.env,
      timeoutMs: 1_000,
      clock,
      signal: new AbortController().signal,
    });
    clock.advance(1_000);
    clock.advance(5_000);
    expect(await ended).toMatchObject({ ok: false, detail: expect.stringContaining('after it was told to stop') });
  });

  it('takes with it what outlives its own end at the timeout', async () => {
    const [leader, left] = [join(folder, 'leader'), join(folder, 'left')];
    // What it starts does not end at SIGTERM as the program does, and holds none of its streams.
    const stubborn = 'trap "" TERM; echo $$ > "$0"; while :; do sleep 0.05; done';
    const script = 'sh -c "$1" "$2" >/dev/null 2>&1 & echo $$ > "$3"; exec sleep 600';
    const ended = runHook({
      argv: ['/bin/sh', '-c', script, 'sh', stubborn, left, leader],
      variables: {},
      environment: process.env,
      timeoutMs: 1_000,
      clock,
      signal: new AbortController().signal,
    });
    const [leaderPid, leftPid] = await Promise.all([pidIn(leader), pidIn(left)]);
    clock.advance(1_000);
    // Gone, and not only ended: by then its end is known.
    await vi.waitFor(() => expect(existsSync(`/proc/${leaderPid}`)).toBe(false), WAIT);
    expect(isRunning(leftPid)).toBe(true);
    clock.advance(HOOK_KILL_MS);
    expect(await ended).toMatchObject({ ok: false });
    await vi.waitFor(() => expect(isRunning(leftPid)).toBe(false), WAIT);
  });

  it('is not begun when the command is stopping', async () => {
    const stopped = {
      argv: hook(),
      variables: {},
      environment: {},
      timeoutMs: 1_000,
      clock,
      signal: AbortSignal.abort(),
    };
    expect((await runHook(stopped)).ok).toBe(false);
    expect(await told()).toEqual([]);
  });
});

describe('a webhook', () => {
  /** Post, and let the time of its pauses pass as soon as it waits. */
  async function post(url: string, signal = new AbortController().signal) {
    let isDone = false;
    const posting = postWebhook({ url, document: { a: 1 }, clock, signal }).finally(() => {
      isDone = true;
    });
    while (!isDone) {
      await new Promise((resolve) => setImmediate(resolve));
      // Less than a try may take, so that no answer is cut off by the clock.
      clock.advance(1);
    }
    return posting;
  }

  it.each<[string, number[], boolean, number]>([
    ['answers', [204], true, 1],
    ['is overloaded at first', [503, 429, 200], true, 3],
    ['never answers well', [500], false, WEBHOOK_TRIES_MAX],
    ['refuses', [403], false, 1],
    ['sends elsewhere', [302, 200], false, 1],
  ])('that %s', async (_what, statuses, ok, tries) => {
    const { url, bodies, server } = await listen(statuses);
    try {
      expect(await post(url)).toMatchObject({ ok, tries });
      expect(bodies).toEqual(Array.from({ length: tries }, () => '{"a":1}'));
    } finally {
      server.close();
    }
  });

  it('where nobody listens is tried so often, and said so', async () => {
    const { url, server } = await listen([200]);
    await new Promise((resolve) => server.close(resolve));
    expect(await post(url)).toMatchObject({
      ok: false,
      tries: WEBHOOK_TRIES_MAX,
      detail: expect.stringContaining('ECONNREFUSED'),
    });
  });
});
