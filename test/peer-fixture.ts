// An enrolled peer's home in a temporary folder, for tests that need one without a broker.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PeerHome } from '#peer-home';
import { type AccountId, type PeerId, TransactionKey, uuidV7 } from '#protocol';
import type { TestAuthority, TestIdentity } from './authority.js';

export const FIXTURE_TIME_MS = Date.UTC(2026, 10, 20);

/** Ids that differ by `fill` only. */
export function peerIdOf(fill: number): PeerId {
  return uuidV7<PeerId>(FIXTURE_TIME_MS, new Uint8Array(10).fill(fill));
}

export async function createHome(
  authority: TestAuthority,
  of: { peerId?: PeerId; brokerPort?: number; identity?: TestIdentity; transactionKey?: TransactionKey } = {},
): Promise<PeerHome> {
  const peerId = of.peerId ?? peerIdOf(1);
  return PeerHome.create(join(await mkdtemp(join(tmpdir(), 'peerkeep-home-')), 'home'), {
    peerId,
    accountId: uuidV7<AccountId>(FIXTURE_TIME_MS, new Uint8Array(10).fill(200)),
    name: 'laptop',
    trustDomain: authority.trustDomain,
    broker: { host: '127.0.0.1', port: of.brokerPort ?? 1 },
    ...(of.identity ?? (await authority.issue(peerId))),
    caPem: authority.caPem,
    transactionKey: of.transactionKey ?? new TransactionKey(new Uint8Array(32).fill(1)),
    brokerTimeMs: FIXTURE_TIME_MS,
  });
}
