// Rot on a host's disk: one bit of a shard's file is turned.
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContentId } from '#protocol';
import { shardPath } from '../apps/peer-agent/src/shards/shard-path.js';

export async function corruptShard(homePath: string, cid: ContentId, offset: number): Promise<void> {
  const { file } = shardPath(join(homePath, 'shards'), cid);
  const handle = await open(file, 'r+');
  const byte = Buffer.alloc(1);
  await handle.read(byte, 0, 1, offset);
  byte[0]! ^= 1;
  await handle.write(byte, 0, 1, offset);
  await handle.close();
}
