// Runs a person's own program when a backup failed or is overdue: no shell, no secrets of ours, and no longer than allowed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Clock } from '#process';
import { HOOK_KILL_MS, HOOK_TALK_CHARS_MAX } from './limits.js';

export interface HookResult {
  readonly ok: boolean;
  /** What it ended with, or why it did not run; and the end of what it wrote to stderr. */
  readonly detail: string;
}

export interface HookRequest {
  /** Program and arguments, taken as they are. */
  readonly argv: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Run the program and wait for its end. At the timeout, and when the signal is raised, it and all that it started get
 * SIGTERM, and SIGKILL a little later, also when the program itself has ended by then: this resolves when nothing of it
 * is left, or that is sent. Never throws: a hook that fails must not take a backup with it.
 */
export async function runHook({
  argv,
  variables,
  environment,
  timeoutMs,
  clock,
  signal,
}: HookRequest): Promise<HookResult> {
  if (signal.aborted) return { ok: false, detail: 'not run: stopping' };
  const [file, ...args] = argv;
  const child = spawn(file!, args, {
    shell: false,
    // A group of its own, so that what it starts ends with it.
    detached: true,
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...withoutSecrets(environment), ...variables },
  });
  let talk = '';
  child.stderr.on('data', (piece: Buffer) => {
    talk = (talk + piece.toString()).slice(-HOOK_TALK_CHARS_MAX);
  });
  let isTimedOut = false;
  let killed = Promise.resolve();
  let cancelKill = (): void => undefined;
  const stop = (): void => {
    if (isTimedOut) return;
    isTimedOut = true;
    signalGroup(child.pid, 'SIGTERM');
    killed = new Promise((resolve) => {
      cancelKill = clock.schedule(HOOK_KILL_MS, () => {
        signalGroup(child.pid, 'SIGKILL');
        resolve();
      });
    });
  };
  const cancelStop = clock.schedule(timeoutMs, stop);
  signal.addEventListener('abort', stop);
  try {
    // Not 'close': something it left behind may hold its stderr for ever.
    const [code, endedBy] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    const how = code === null ? `ended by ${endedBy}` : `ended with ${code}`;
    const late = isTimedOut ? ' after it was told to stop' : '';
    return { ok: code === 0 && !isTimedOut, detail: `${how}${late}${talk === '' ? '' : `: ${talk.trim()}`}` };
  } catch (error) {
    return { ok: false, detail: `cannot be run: ${error instanceof Error ? error.message : String(error)}` };
  } finally {
    cancelStop();
    signal.removeEventListener('abort', stop);
    child.stderr.destroy();
    if (signalGroup(child.pid, 0)) await stayingAlive(killed);
    else cancelKill();
  }
}

/** A person's program gets no key of ours. */
function withoutSecrets(environment: HookRequest['environment']): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(
    ([name]) => !name.startsWith('PEERKEEP_') && name !== 'CREDENTIALS_DIRECTORY',
  );
  return Object.fromEntries(kept);
}

/** Nothing but a timer may be left to wait for, and the clock's do not keep the process alive. */
async function stayingAlive(wanted: Promise<void>): Promise<void> {
  const hold = setInterval(() => undefined, HOOK_KILL_MS);
  await wanted;
  clearInterval(hold);
}

/** Signal 0 only asks. Returns false where nothing of the group is left. */
function signalGroup(pid: number | undefined, signal: NodeJS.Signals | 0): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(-pid, signal);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // It has ended meanwhile, or became another person's, whom we cannot end.
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
    return false;
  }
}
