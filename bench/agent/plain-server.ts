// The limit that a host is measured against: a process of node:https that writes each body to a file, syncs it, and answers.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from '../../scripts/demo/command.js';
import type { Shard } from './host-under-load.js';
import type { Exchange, Reachable } from './run-exchanges.js';

export interface PlainServer extends Reachable {
  puts(shards: readonly Shard[]): Exchange[];
  gets(shards: readonly Shard[]): Exchange[];
  stop(): Promise<void>;
}

export async function startPlainServer(): Promise<PlainServer> {
  const folder = await mkdtemp(join(tmpdir(), 'peerkeep-bench-plain-'));
  const script = fileURLToPath(new URL('./plain-server-process.js', import.meta.url));
  const command = Command.startOther(process.execPath, [script, folder]);
  const port = (await command.line(/^port: (\d+)$/))[1]!;
  return {
    origin: `https://127.0.0.1:${port}`,
    connect: { rejectUnauthorized: false },
    puts: (shards) =>
      shards.map(({ cid, bytes }) => ({
        method: 'PUT',
        path: `/${cid}`,
        headers: {},
        body: bytes,
        status: 201,
        answerBytes: null,
      })),
    gets: (shards) =>
      shards.map(({ cid, bytes }) => ({
        method: 'GET',
        path: `/${cid}`,
        headers: {},
        body: null,
        status: 200,
        answerBytes: bytes.length,
      })),
    async stop(): Promise<void> {
      await command.end('SIGTERM');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
