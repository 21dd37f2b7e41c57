// The built command at a real terminal and in real pipes: progress, Ctrl-C, signals, JSON, and backups that run by themselves.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DemoNetwork } from '../scripts/demo/demo-network.js';
import { assertBuiltAfresh, freshScriptOf } from './built-afresh.js';

assertBuiltAfresh();

const CTRL_C = '\u0003';

let network: DemoNetwork;
let source: string;

beforeAll(async () => {
  network = await DemoNetwork.create();
  await network.startBroker();
  await network.startHosts(6);
  await network.initClient();
  source = join(network.folder, 'source');
  await mkdir(source);
  for (let i = 0; i < 24; i++) await writeFile(join(source, `${i}.bin`), randomBytes(4_000_000));
}, 240_000);

afterAll(() => network.close(), 120_000);

const home = (): string => join(network.folder, 'client');

interface Watched {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Start a command and do something each time its output shows what the next step waits for. */
async function watch(
  argv: readonly string[],
  steps: readonly { readonly until: RegExp; readonly act: (child: ReturnType<typeof spawn>) => void }[] = [],
  environment: NodeJS.ProcessEnv = {},
): Promise<Watched> {
  const [file, ...args] = argv;
  const child = spawn(file!, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...environment } });
  const waiting = [...steps];
  const out = { stdout: '', stderr: '' };
  const note = (stream: 'stdout' | 'stderr') => (piece: Buffer) => {
    out[stream] += piece.toString();
    while (waiting[0]?.until.test(out.stdout) || waiting[0]?.until.test(out.stderr)) waiting.shift()!.act(child);
  };
  child.stdout.on('data', note('stdout'));
  child.stderr.on('data', note('stderr'));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...out };
}

const peerkeep = (...args: string[]): string[] => [
  process.execPath,
  freshScriptOf('peerkeep'),
  ...args,
  '--home',
  home(),
];

/** The same on a terminal of its own: script(1) gives it one, and types what it reads on stdin. */
function onTerminal(...args: string[]): string[] {
  const line = peerkeep(...args).map((word) => `'${word}'`);
  return ['script', '-qefc', `stty cols 100 rows 24; exec ${line.join(' ')}`, '/dev/null'];
}

const type = (text: string) => (child: ReturnType<typeof spawn>) => void child.stdin!.write(text);
const send = (signal: NodeJS.Signals) => (child: ReturnType<typeof spawn>) => void child.kill(signal);
const messages = (text: string): Record<string, unknown>[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('a backup at a terminal', { timeout: 120_000 }, () => {
  it('stops at Ctrl-C, says what is kept, and the next one goes on from there', async () => {
    const stopped = await watch(onTerminal('backup', source), [{ until: /on 6 hosts/, act: type(CTRL_C) }]);
    expect(stopped.code).toBe(130);
    expect(stopped.stdout).toContain('peerkeep: stopping; press Ctrl-C again to end at once');
    expect(stopped.stdout).toMatch(/peerkeep: kept: [\d.]+ MiB on hosts; the next run finds it/);
    const whole = await watch(peerkeep('backup', source, '--json', '--quiet'));
    expect(whole.code).toBe(0);
    const [summary] = messages(whole.stdout);
    expect(summary).toMatchObject({ message_type: 'summary', total_files_processed: 24 });
    expect(summary!.data_added).toBeLessThan(24 * 4_000_000 - 4_000_000);
  });

  it('ends at once at the second Ctrl-C', async () => {
    await writeFile(join(source, 'more.bin'), randomBytes(60_000_000));
    const steps = [
      { until: /on 6 hosts/, act: type(CTRL_C) },
      { until: /press Ctrl-C again/, act: type(CTRL_C) },
    ];
    expect((await watch(onTerminal('backup', source, '--force'), steps)).code).toBe(130);
  });

  it('draws lines that hold the totals, and takes them away at the end', async () => {
    // At 10 MiB a second it takes some seconds on any machine: the first lines come after one.
    await writeFile(join(source, 'slowly.bin'), randomBytes(20_000_000));
    const { code, stdout } = await watch(onTerminal('backup', source, '--limit-upload', '10240'));
    expect(code).toBe(0);
    expect(stdout).toMatch(/(?: \d{1,2}|100)% {2,}\d+ of \d+ files/);
    expect(stdout).toMatch(/\p{Cc}\[J(?:peerkeep: [^\n]*\n)*snapshot [0-9a-f-]{36} saved/u);
  });
});

describe('a backup in a pipe', { timeout: 120_000 }, () => {
  it('tells programs its status and its summary, and nothing else on stdout', async () => {
    const { code, stdout, stderr } = await watch(peerkeep('backup', source, '--json', '--force'));
    expect([code, stderr]).toEqual([0, '']);
    const all = messages(stdout);
    expect(new Set(all.map(({ message_type }) => message_type))).toEqual(new Set(['status', 'summary']));
    expect(all.at(-1)).toMatchObject({ message_type: 'summary' });
  });

  it.each(['SIGTERM', 'SIGHUP'] as const)('stops cleanly at %s, and tells programs why', async (signal) => {
    const args = peerkeep('backup', source, '--json', '--force');
    const { code, stderr } = await watch(args, [{ until: /"files_done":[1-9]/, act: send(signal) }]);
    expect(code).toBe(130);
    expect(messages(stderr).at(-1)).toMatchObject({ message_type: 'exit_error', code: 130, error_code: 'interrupted' });
  });

  it('answers SIGUSR1 with a line', async () => {
    const args = peerkeep('backup', source, '--force', '-v');
    const environment = { PEERKEEP_PROGRESS_SECONDS: '0.1' };
    const { code, stderr } = await watch(args, [{ until: /peerkeep: \d+%/, act: send('SIGUSR1') }], environment);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^peerkeep: \d+%, \d+ of \d+ files, /m);
  });

  it('ends with 141 when its reader goes away', async () => {
    const child = spawn('/bin/sh', [
      '-c',
      `${peerkeep('backup', source, '--json', '-vv', '--force')
        .map((word) => `'${word}'`)
        .join(' ')}; echo $? >&2`,
    ]);
    child.stdout.once('data', () => child.stdout.destroy());
    let stderr = '';
    child.stderr.on('data', (piece: Buffer) => {
      stderr += piece.toString();
    });
    await once(child, 'close');
    expect(stderr.trimEnd().split('\n').at(-1)).toBe('141');
  });
});

describe('a scheduled backup', { timeout: 120_000 }, () => {
  const environment = (): NodeJS.ProcessEnv => ({ XDG_CONFIG_HOME: join(network.folder, 'config') });

  it('is installed, run, listed and removed', async () => {
    const install = peerkeep('schedule', 'install', source, '--at', '03:30', '--no-start', '--json');
    const installed = await watch(install, [], environment());
    expect(installed).toMatchObject({ code: 0, stderr: '' });
    const { units } = JSON.parse(installed.stdout) as { units: string[] };
    expect(await readFile(units[1]!, 'utf8')).toContain('OnCalendar=*-*-* 03:30:00');
    // Without paths a backup does what the configuration says, and that counts for its set.
    expect((await watch(peerkeep('backup'), [], environment())).stdout).toContain('backup "default": snapshot');
    const [listed] = JSON.parse(
      (await watch(peerkeep('schedule', 'list', '--json'), [], environment())).stdout,
    ) as unknown[];
    expect(listed).toMatchObject({ name: 'default', installed: true, paths: [source] });
    expect((listed as { last_success: string | null }).last_success).not.toBeNull();
    expect((await watch(peerkeep('status', '--warn'), [], environment())).code).toBe(0);
    expect((await watch(peerkeep('schedule', 'remove'), [], environment())).code).toBe(0);
    await expect(readFile(units[1]!)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('that is overdue ends `status --warn` with 7, and runs the hook', async () => {
    const note = join(network.folder, 'told');
    const hooks = { onOverdue: ['/bin/sh', '-c', 'echo "$PEERKEEP_EVENT $PEERKEEP_SET" > "$1"', 'sh', note] };
    await writeFile(
      join(home(), 'client', 'config.json'),
      JSON.stringify({ backups: [{ name: 'late', paths: [source] }], overdueDays: 7, hooks }),
    );
    await rm(join(home(), 'client', 'warnings.json'), { force: true });
    const old = { set: 'late', startedAtMs: 1_000, endedAtMs: 2_000, outcome: 'success' };
    await writeFile(join(home(), 'client', 'runs.jsonl'), `${JSON.stringify(old)}\n`);
    const { code, stdout } = await watch(peerkeep('status', '--warn'));
    expect(code).toBe(7);
    expect(stdout).toMatch(/warning: backup "late" did not succeed for [\d,]+ days/);
    expect(await readFile(note, 'utf8')).toBe('backup_overdue late\n');
  });
});
