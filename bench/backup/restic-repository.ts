// A repository of a peer: restic into `rclone serve restic` on loopback, with a cache of its own.
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from '../../scripts/demo/command.js';
import { firstLineOf } from './installed.js';
import type { Repository } from './run-round.js';

const CONNECT_TRIES_MAX = 100;
const CONNECT_AGAIN_MS = 100;

/** The versions in use; null when restic or rclone is not installed. */
export function resticVersions(): { restic: string; rclone: string } | null {
  const [restic, rclone] = [firstLineOf('restic', 'version'), firstLineOf('rclone', 'version')];
  return restic === null || rclone === null ? null : { restic, rclone };
}

export async function openRestic(): Promise<Repository> {
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
  const restic = (args: readonly string[], cwd = folder): Command => Command.startOther('restic', args, { cwd, env });
  const close = async (): Promise<void> => {
    await server.end('SIGTERM');
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await untilListening(port);
    await restic(['init']).finish();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    serving: new Map([['server', server.pid]]),
    brokerRequests: () => null,
    // Paths are relative to the source, so that the copy has the source's shape.
    backup: (source, onStarted) => restic(['backup', '.'], source).finish({ onStarted }),
    restore: (onStarted) => restic(['restore', 'latest', '--target', target]).finish({ onStarted }),
    target,
    folders: [repository],
    close,
  };
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
