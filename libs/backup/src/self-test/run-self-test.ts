// `self-test`: does this machine compute what it should, and can it reach what a backup needs?
import { randomBytes } from 'node:crypto';
import type { Clock } from '#process';
import { isRefusal, type ObjectId, ProtocolError } from '#protocol';
import { identifyChunk } from '../chunking/chunk-id.js';
import type { ObjectDeleter } from '../delete/object-deleter.js';
import type { ObjectFetcher } from '../get/object-fetcher.js';
import type { DataKeys } from '../keys.js';
import { ObjectBuilder } from '../objects/object-builder.js';
import type { BrokerPort } from '../ports.js';
import type { ObjectUploader } from '../put/object-uploader.js';
import { LOCAL_CHECKS, type SelfCheck } from './local-checks.js';

export interface SelfCheckResult {
  readonly name: string;
  readonly ok: boolean;
  /** What was seen, or what is wrong. */
  readonly detail: string;
  readonly milliseconds: number;
}

export interface NetworkParts {
  readonly keys: DataKeys;
  readonly broker: Pick<BrokerPort, 'redundancy'>;
  readonly uploader: ObjectUploader;
  readonly fetcher: ObjectFetcher;
  readonly deleter: ObjectDeleter;
  readonly newObjectId: () => ObjectId;
  /** Reports must have reached the broker before an object can be asked for. */
  readonly report: () => Promise<void>;
}

/** The checks that need no network and no keys. */
export function runLocalSelfTest(clock: Clock, onResult: (result: SelfCheckResult) => void): Promise<boolean> {
  return runChecks(LOCAL_CHECKS, clock, onResult);
}

/** Ask the broker, and with `roundTrip` store a small object on hosts, fetch it, and delete it again. */
export function runNetworkSelfTest(
  parts: NetworkParts,
  request: { readonly roundTrip: boolean; readonly signal: AbortSignal; readonly clock: Clock },
  onResult: (result: SelfCheckResult) => void,
): Promise<boolean> {
  const { signal, roundTrip, clock } = request;
  const checks: SelfCheck[] = [{ name: 'broker', run: () => askBroker(parts, signal) }];
  if (roundTrip) checks.push({ name: 'round trip', run: () => goRound(parts, signal) });
  return runChecks(checks, clock, onResult);
}

async function runChecks(
  checks: readonly SelfCheck[],
  clock: Clock,
  onResult: (result: SelfCheckResult) => void,
): Promise<boolean> {
  let allWell = true;
  for (const { name, run } of checks) {
    const startMs = clock.monotonicMs();
    const told = await outcomeOf(run);
    allWell &&= told.ok;
    onResult({ name, ...told, milliseconds: Math.round(clock.monotonicMs() - startMs) });
  }
  return allWell;
}

/** A check that fails is a result; a person who stops the test is not. */
async function outcomeOf(run: SelfCheck['run']): Promise<{ ok: boolean; detail: string }> {
  try {
    return { ok: true, detail: await run() };
  } catch (error) {
    if (isRefusal(error, 'interrupted')) throw error;
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
}

async function askBroker({ broker }: NetworkParts, signal: AbortSignal): Promise<string> {
  const { dataShards, totalShards, eligibleHosts } = await broker.redundancy({ signal });
  return `it answers: ${dataShards} of ${totalShards} shards make an object whole, ${eligibleHosts} hosts can take some`;
}

async function goRound(parts: NetworkParts, signal: AbortSignal): Promise<string> {
  const { keys, uploader, fetcher, deleter } = parts;
  const builder = new ObjectBuilder(keys, 'data', randomBytes);
  builder.add(identifyChunk(keys.chunkIdKey, randomBytes(64 * 1024)));
  const object = builder.seal(parts.newObjectId());
  const stored = await uploader.store(object, signal);
  try {
    await parts.report();
    const permission = (await fetcher.permissionsFor([object.objectId], signal)).get(object.objectId);
    if (permission === undefined) throw new ProtocolError('answer_untrusted');
    const bytes = await fetcher.fetch(permission, signal);
    if (Buffer.compare(bytes, object.bytes) !== 0)
      throw new ProtocolError('object_damaged', { objectId: object.objectId });
  } finally {
    await deleter.delete([object.objectId], signal);
  }
  const size = object.bytes.length;
  return `${size} bytes went to ${stored.storedShards} hosts, came back as they were, and were deleted`;
}
