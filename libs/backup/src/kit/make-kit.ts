// Makes a recovery kit of one snapshot: an identity of its own, and tokens for every shard that a restore may need.
import { randomBytes } from 'node:crypto';
import type { BrokerClient } from '#broker-api';
import { checkIssuedCertificate, makeIdentity, type PeerHome } from '#peer-home';
import type { Clock } from '#process';
import {
  formatTime,
  type ListedObject,
  OBJECTS_PER_REQUEST_MAX,
  type ObjectId,
  type OfflineGetsAnswer,
  type PeerId,
  ProtocolError,
} from '#protocol';
import type { ChunkIndex } from '../chunk-index.js';
import type { TreeReader } from '../get/tree-reader.js';
import { findLiveChunks } from '../prune/live-chunks.js';
import type { StoredSnapshot } from '../snapshots/list-snapshots.js';
import { KIT_SALT_BYTES, sealKit } from './kit-file.js';
import type { RecoveryKit } from './recovery-kit.js';

export interface KitOrder {
  readonly home: Pick<PeerHome, 'identity' | 'caPem' | 'network'>;
  readonly broker: Pick<BrokerClient['kits'], 'make' | 'offlineGets'>;
}

export interface MadeKit {
  readonly kit: RecoveryKit;
  /** The bytes of its file. */
  readonly file: Buffer;
}

/**
 * Make and seal a kit.
 *
 * parts     the index and the trees of an engine that knows everything about the snapshot
 * listed    every object of the account
 * throws    kits_off | kits_too_many | kit_full | object_unavailable for an object of which too few shards have a host |
 *           as a loss of data does
 */
export async function makeKit(
  parts: { readonly trees: TreeReader; readonly index: ChunkIndex; readonly kitKey: Uint8Array; readonly clock: Clock },
  { stored, listed }: { readonly stored: StoredSnapshot; readonly listed: readonly ListedObject[] },
  { home, broker }: KitOrder,
  signal: AbortSignal,
): Promise<MadeKit> {
  const needed = await objectsOf(parts, stored, listed, signal);
  const { identity, caPem } = home;
  const { privateKeyPem, csrDer } = await makeIdentity();
  const { kitId, certificate, expiresAt } = await broker.make(csrDer, { signal });
  const expected = { trustDomain: identity.trustDomain, subject: kitId };
  checkIssuedCertificate({ certificatePem: certificate, caPem, privateKeyPem, expected });
  const filled = await fill(broker, kitId, needed, signal);
  const kit: RecoveryKit = {
    madeAt: formatTime(parts.clock.nowMs()),
    expiresAt,
    trustDomain: identity.trustDomain,
    accountId: identity.accountId,
    kitId,
    certificate,
    privateKey: privateKeyPem,
    authority: caPem,
    broker: { ...identity.broker },
    snapshot: {
      objectId: stored.id,
      time: stored.snapshot.time,
      hostname: stored.snapshot.hostname,
      paths: [...stored.snapshot.paths],
    },
    network: networkOf(home),
    ...filled,
  };
  return { kit, file: sealKit(kit, parts.kitKey, randomBytes(KIT_SALT_BYTES)) };
}

/** The keys of the network, as far as the home has them. */
function networkOf({ network }: KitOrder['home']): RecoveryKit['network'] {
  const facts = network.load();
  return facts === null ? null : { signingKeys: facts.signingKeys, lanKeys: facts.lanKeys };
}

/** The snapshot, what its folders and files are in, and the indexes that say where a chunk is. */
async function objectsOf(
  parts: { readonly trees: TreeReader; readonly index: ChunkIndex },
  stored: StoredSnapshot,
  listed: readonly ListedObject[],
  signal: AbortSignal,
): Promise<ObjectId[]> {
  const { index } = parts;
  const live = await findLiveChunks(parts, [stored], signal);
  const holding = new Set<ObjectId>([stored.id]);
  for (let at = 0; at < index.positions; at++) if (live.hasAt(at)) holding.add(index.objectAt(at));
  return listed
    .filter(({ objectId, kind }) => kind === 'index' || holding.has(objectId))
    .map(({ objectId }) => objectId);
}

async function fill(
  broker: KitOrder['broker'],
  kitId: PeerId,
  needed: readonly ObjectId[],
  signal: AbortSignal,
): Promise<Pick<RecoveryKit, 'hosts' | 'tokens' | 'objects'>> {
  const hosts: RecoveryKit['hosts'] = [];
  const placeOf = new Map<PeerId, number>();
  const tokens: RecoveryKit['tokens'] = [];
  const objects: RecoveryKit['objects'] = [];
  for (let first = 0; first < needed.length; first += OBJECTS_PER_REQUEST_MAX) {
    const wanted = needed.slice(first, first + OBJECTS_PER_REQUEST_MAX);
    const answer = await broker.offlineGets(kitId, wanted, { signal });
    checkAnswer(answer, wanted);
    const tokensBefore = tokens.length;
    for (const { transactionId, token, host } of answer.tokens) {
      let place = placeOf.get(host.peerId);
      if (place === undefined) {
        place = hosts.push({ peerId: host.peerId, address: host.address, port: host.port }) - 1;
        placeOf.set(host.peerId, place);
      }
      tokens.push({ transactionId, token, host: place });
    }
    for (const { shards, ...object } of answer.objects) {
      objects.push({ ...object, shards: shards.map(({ index, cid, token }) => [index, cid, tokensBefore + token]) });
    }
  }
  return { hosts, tokens, objects };
}

/** A kit that cannot bring everything back is none. */
function checkAnswer({ objects, tokens }: OfflineGetsAnswer, wanted: readonly ObjectId[]): void {
  for (const [i, objectId] of wanted.entries()) {
    const object = objects[i];
    const isSound = object?.objectId === objectId && object.shards.every(({ token }) => token < tokens.length);
    if (!isSound) throw new ProtocolError('answer_untrusted', { objectId });
    const present = new Set(object.shards.map(({ index }) => index)).size;
    if (present < object.dataShards) {
      throw new ProtocolError('object_unavailable', { objectId, present, needed: object.dataShards });
    }
  }
}
