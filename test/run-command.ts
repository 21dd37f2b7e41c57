// Runs one of the built commands as a person would, and tells how it ended.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Program } from '../scripts/demo/built-commands.js';
import { freshScriptOf } from './built-afresh.js';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** uid: run as this user, where the test may. */
export async function runCommand(
  program: Program,
  args: readonly string[],
  { input = '', uid }: { input?: string; uid?: number } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [freshScriptOf(program), ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (piece: Buffer) => {
    stdout += piece.toString();
  });
  child.stderr.on('data', (piece: Buffer) => {
    stderr += piece.toString();
  });
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

/** The last JSON message on stdout: of a command that tells its status while it works, the summary. */
export function lastMessage(ended: Ended): unknown {
  return JSON.parse(ended.stdout.trimEnd().split('\n').at(-1)!);
}
