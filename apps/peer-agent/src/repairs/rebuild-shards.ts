// Rebuilds the shards of a task from others of the same object: ciphertext in, ciphertext out, whatever filled the object.
// Pure.
import { ReedSolomon } from '#erasure';
import { type ContentId, contentIdOf, ProtocolError } from '#protocol';

export interface ShardsToRebuild {
  readonly dataShards: number;
  readonly totalShards: number;
  /** By index; at least dataShards, all of one length, each checked against its content id. */
  readonly sources: ReadonlyMap<number, Uint8Array>;
  readonly targets: readonly { readonly index: number; readonly cid: ContentId }[];
}

/**
 * In the order of the targets.
 *
 * throws   object_unavailable with fewer than dataShards sources | shard_content_mismatch when what comes out is not what
 *          the broker knows: then the sources were shards of something else
 */
export function rebuildShards({ dataShards, totalShards, sources, targets }: ShardsToRebuild): Uint8Array[] {
  const present = Array.from({ length: totalShards }, (_, index) => sources.get(index) ?? null);
  const lengths = new Set([...sources.values()].map(({ length }) => length));
  if (lengths.size > 1) throw new ProtocolError('shard_content_mismatch');
  const code = new ReedSolomon(dataShards, totalShards);
  const rebuilt = code.reconstruct(
    present,
    targets.map(({ index }) => index),
  );
  for (const [i, { cid }] of targets.entries())
    if (contentIdOf(rebuilt[i]!) !== cid) throw new ProtocolError('shard_content_mismatch');
  return rebuilt;
}
