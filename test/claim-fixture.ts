// Verified and claimed tokens for tests of the host's parts, by the real code: sealed, verified, and listed in a real agent.db.
import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Database, openDatabase } from '#database';
import { AGENT_MIGRATIONS } from '#migrations/agent/index';
import {
  contentIdOf,
  type PeerOp,
  sealToken,
  type TokenClaims,
  type TransactionId,
  TransactionKey,
  type UnixMs,
  uuidV7,
  type VerifiedToken,
  verifyToken,
} from '#protocol';
import { HostTime } from '../apps/peer-agent/src/state/host-time.js';
import { peerIdOf } from './peer-fixture.js';

const KEY = new TransactionKey(randomBytes(32));
const DOMAIN = 'backup.example';
export const TOKEN_LIFE_MS = 10 * 60_000;

/** The three times of a host, each set by hand. */
export class ManualTime extends HostTime {
  startedMs = 0;
  brokerMs: UnixMs | null = null;

  constructor(public localMs: UnixMs) {
    super();
  }

  nowMs(): UnixMs {
    return this.brokerMs ?? this.localMs;
  }

  brokerNowMs(): UnixMs | null {
    return this.brokerMs;
  }

  startedAtMs(): UnixMs {
    return this.startedMs;
  }
}

export async function makeFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'peerkeep-host-'));
}

export function openAgentDatabase(folder: string): Promise<Database> {
  return openDatabase({ file: join(folder, 'agent.db'), entities: [], migrations: AGENT_MIGRATIONS });
}

/** A token that this host would take at the time it was issued. */
export function verifiedToken(
  bytes: Uint8Array,
  issuedAtMs: UnixMs,
  change: Partial<TokenClaims> = {},
  doing: PeerOp = change.op === undefined ? 'put' : (change.op as PeerOp),
): VerifiedToken {
  const claims: TokenClaims = {
    trustDomain: DOMAIN,
    hostId: peerIdOf(1),
    clientId: peerIdOf(2),
    transactionId: uuidV7<TransactionId>(issuedAtMs, randomBytes(10)),
    issuedAtMs,
    notBeforeMs: issuedAtMs,
    expiresAtMs: issuedAtMs + TOKEN_LIFE_MS,
    op: 'put',
    items: [{ cid: contentIdOf(bytes), sizeBytes: bytes.length }],
    ...change,
  };
  return verifyToken(sealToken(KEY, claims, randomBytes(32)), {
    keyOf: () => KEY,
    trustDomain: DOMAIN,
    hostId: claims.hostId,
    clientId: claims.clientId,
    op: doing,
    cid: doing === 'probe' ? null : (claims.items[0]?.cid ?? contentIdOf(bytes)),
    nowMs: issuedAtMs,
  });
}
