// How hosts were reached lately, as engines of this home found out: for whoever wants to know why a backup is slow. A cache.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { WayInUse } from '#peer-link';
import { writeFileDurably } from '#process';
import { formatTime, peerIdField, timeField } from '#protocol';

const HOSTS_MAX = 1_024;

const knownWay = z.strictObject({
  peerId: peerIdField,
  way: z.enum(['lan', 'direct', 'relay']),
  /** Why this way: see WayReason of libs/peer-link. */
  reason: z.enum(['neighbour', 'direct_answers', 'only_way', 'direct_failed', 'direct_slow']),
  since: timeField,
  /** The relay, on a way through one. */
  relayId: peerIdField.nullable(),
});
export type KnownWay = z.infer<typeof knownWay>;

const waysFile = z.strictObject({ ways: z.array(knownWay).max(HOSTS_MAX) });

/** None when no engine has reached a host yet; a damaged file counts as missing. */
export async function readWays(homePath: string): Promise<KnownWay[]> {
  try {
    const parsed = waysFile.safeParse(JSON.parse(await readFile(pathIn(join(homePath, 'client')), 'utf8')));
    return parsed.success ? parsed.data.ways : [];
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Those of this engine before those of earlier ones. */
export async function keepWays(homePath: string, ways: readonly WayInUse[]): Promise<void> {
  if (ways.length === 0) return;
  const found: KnownWay[] = ways.map(({ sinceMs, ...way }) => ({ ...way, since: formatTime(sinceMs) }));
  const peerIds = new Set(found.map(({ peerId }) => peerId));
  const earlier = (await readWays(homePath)).filter(({ peerId }) => !peerIds.has(peerId));
  const kept = { ways: [...found, ...earlier].slice(0, HOSTS_MAX) };
  await writeFileDurably(pathIn(join(homePath, 'client')), `${JSON.stringify(kept)}\n`);
}

function pathIn(folder: string): string {
  return join(folder, 'cache', 'ways.json');
}
