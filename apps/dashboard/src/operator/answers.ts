// What the admin interface answers: see apps/server/src/admin, and /v1/admin/openapi.json of a running broker.
import type { PeerState } from '../shared/peer-state.js';

export type AdminRole = 'viewer' | 'support' | 'operator';

export interface Self {
  readonly keyId: string;
  readonly name: string;
  readonly role: AdminRole;
  readonly expiresAt: string;
}

export interface Overview {
  readonly at: string;
  readonly peers: Readonly<Record<PeerState, number>>;
  readonly onlineHosts: number;
  readonly donatedBytes: string;
  readonly usedBytes: string;
  readonly freeBytes: string;
  readonly accounts: number;
  readonly objects: number;
  readonly objectsAtRisk: number;
  readonly auditsToday: Readonly<Record<string, number>>;
  readonly refusals: readonly { readonly code: string; readonly count: number; readonly lastAt: string }[];
}

export interface Sample {
  readonly at: string;
  readonly peers: Readonly<Record<PeerState, number>>;
  readonly onlineHosts: number;
  readonly donatedBytes: string;
  readonly usedBytes: string;
  readonly objects: number;
  readonly objectsAtRisk: number;
  readonly repairsWaiting: number;
  readonly auditsPassed: number;
  readonly auditsFailed: number;
  readonly creditEarned: string;
  readonly creditUsed: string;
  readonly lossesPerHostYear: number | null;
}

export interface RepairsSummary {
  readonly waiting: number;
  readonly running: number;
  readonly endedLastDay: number;
  readonly failedLastDay: number;
  readonly oldestWaitingMs: number | null;
  readonly shortestTimeToLossMs: number | null;
}

export interface KnownPeer {
  readonly peerId: string;
  readonly name: string;
  readonly state: PeerState;
  readonly stateChange: {
    readonly at: string;
    readonly by: string;
    readonly code: string;
    readonly reason: string;
  } | null;
  readonly enrolledAt: string;
  readonly seenAt: string | null;
  readonly appendOnly: boolean;
  readonly accountId: string;
  readonly certificateExpiresAt: string;
  readonly isOnline: boolean;
  readonly shareBytes: number | null;
  readonly usedBytes: number | null;
  readonly freeBytes: number | null;
}

export interface PeerFacts extends KnownPeer {
  readonly address: string | null;
  readonly keys: readonly {
    readonly kid: string;
    readonly state: string;
    readonly createdAt: string;
    readonly acceptedUntil: string | null;
    readonly transactions: number;
    readonly renewalAskedAt: string | null;
  }[];
  readonly storedShards: number;
  readonly storedBytes: string;
}

export interface AuditScore {
  readonly hostId: string;
  readonly good: number;
  readonly bad: number;
  readonly verdict: 'ok' | 'suspicious' | 'suspend';
  readonly dueAt: string;
  readonly passed: number;
  readonly failed: number;
  readonly passedAt: string | null;
  readonly failedAt: string | null;
}

export interface Refusal {
  readonly hour: string;
  readonly clientId: string | null;
  readonly hostId: string | null;
  readonly reporter: string;
  readonly op: string | null;
  readonly code: string;
  readonly count: number;
  readonly lastAt: string;
}

export interface LedgerEntry {
  readonly seq: number;
  readonly at: string;
  readonly kind: string;
  readonly transactionId: string;
  readonly debit: string;
  readonly credit: string;
  readonly amount: string;
  readonly reason: string | null;
}

export interface LogEntry {
  readonly seq: number;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly reason: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface Health {
  readonly state: HealthState;
  readonly parts: readonly { readonly part: string; readonly state: HealthState; readonly cause: string | null }[];
}
export type HealthState = 'ok' | 'degraded' | 'failed';
