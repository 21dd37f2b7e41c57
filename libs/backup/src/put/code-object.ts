// Codes an object into shards and names each by its content id. Pure.
import { type Filling, ReedSolomon, splitObject } from '#erasure';
import { contentIdOf, type Redundancy, type ShardToPut } from '#protocol';
import type { SealedObject } from '../objects/object-builder.js';

/** An object as it goes out: shard i is `shards[i]`, with `bytes[i]`. */
export interface CodedObject {
  readonly object: SealedObject;
  readonly dataShards: number;
  readonly totalShards: number;
  readonly shards: readonly ShardToPut[];
  readonly bytes: readonly Uint8Array[];
  /** The memory of the parity, as it was taken. */
  readonly parity: readonly Buffer[];
}

/** The data shards are views of the object wherever its size allows; parity is more memory, (n - k) / k of it. */
export function codeObject(
  object: SealedObject,
  redundancy: Pick<Redundancy, 'dataShards' | 'totalShards'>,
  takeMemory: (sizeBytes: number) => Buffer = Buffer.allocUnsafeSlow,
  filling: Filling = 'own',
): CodedObject {
  const { dataShards, totalShards } = redundancy;
  const data = splitObject(object.bytes, dataShards, filling);
  const shardBytes = data[0]!.length;
  const parity = Array.from({ length: totalShards - dataShards }, () => takeMemory(shardBytes));
  codeOf(dataShards, totalShards).encode(data, parity);
  const bytes = [...data, ...parity];
  const shards = bytes.map((shard, index) => ({ index, cid: contentIdOf(shard), sizeBytes: shard.length }));
  return { object, dataShards, totalShards, shards, bytes, parity };
}

const codes = new Map<string, ReedSolomon>();
const CODES_MAX = 16;

/** Codes are kept: their tables cost more than a small object. Policies use few; past the bound the oldest goes. */
export function codeOf(dataShards: number, totalShards: number): ReedSolomon {
  const name = `${dataShards}/${totalShards}`;
  const known = codes.get(name);
  if (known !== undefined) return known;
  const code = new ReedSolomon(dataShards, totalShards);
  if (codes.size >= CODES_MAX) codes.delete(codes.keys().next().value!);
  codes.set(name, code);
  return code;
}
