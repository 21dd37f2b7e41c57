// One round of the peer: restic into `rclone serve restic` on loopback, a new repository and a new cache each time.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from '../../scripts/demo/command.js';
import { compareTrees } from '../../scripts/demo/compare-trees.js';
import { bytesBelow } from './bytes-below.js';
import { measurePhase, type PutAside, type Round } from './phase.js';

const CONNECT_TRIES_MAX = 100;
const CONNECT_AGAIN_MS = 100;

/** The versions in use; null when restic or rclone is not installed. */
export function resticVersions(): { restic: string; rclone: string } | null {
  const [restic, rclone] = [firstLineOf('restic'), firstLineOf('rclone')];
  return restic === null || rclone === null ? null : { restic, rclone };
}

export async function runRestic(source: string, putAside: PutAside): Promise<Round> {
  const folder = await mkdtemp(join(tmpdir(), 'peerkeep-bench-restic-'));
  const target = join(folder, 'restored');
  const repository = join(folder, 'repository');
  await mkdir(repository);
  const port = await freePort();
  const server = Command.startOther('rclone', ['serve', 'restic', '--addr', `127.0.0.1:${port}`, repository]);
  const env = {
    ...process.env,
    RESTIC_REPOSITORY: `rest:http://127.0.0.1:${port}/`,
    RESTIC_PASSWORD: 'bench',
    RESTIC_CACHE_DIR: join(folder, 'cache'),
  };
  // Paths are relative to the source, so that the copy has the source's shape.
  const restic = (...args: string[]): Command => Command.startOther('restic', args, { cwd: source, env });
  try {
    await untilListening(port);
    await restic('init').finish();
    const serving = new Map([['server', server.pid]]);
    const backup = await measurePhase(serving, (onStarted) => restic('backup', '.').finish({ onStarted }));
    const keptBytes = bytesBelow(repository);
    const restore = await measurePhase(serving, (onStarted) =>
      restic('restore', 'latest', '--target', target).finish({ onStarted }),
    );
    const { differences } = await compareTrees(source, target, []);
    await putAside(target);
    return { backup, restore, keptBytes, differences };
  } finally {
    await server.end('SIGTERM');
    await rm(folder, { recursive: true, force: true });
  }
}

function firstLineOf(program: string): string | null {
  try {
    return execFileSync(program, ['version'], { encoding: 'utf8' }).split('\n')[0]!;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function untilListening(port: number): Promise<void> {
  for (let i = 0; i < CONNECT_TRIES_MAX; i++) {
    if (await accepts(port)) return;
    await new Promise((resolve) => setTimeout(resolve, CONNECT_AGAIN_MS));
  }
  throw new Error(`rclone did not listen on port ${port}`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
