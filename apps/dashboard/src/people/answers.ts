// What the broker answers to a person's console: see apps/server/src/console/console-answers.ts.
import type { PeerState, StateChange } from '../shared/peer-state.js';

export type { CreditAnswer, ListedHost, ListHostsAnswer } from '#protocol';

export interface ConsoleSession {
  readonly name: string;
  readonly formToken: string;
}

export interface OwnMachine {
  readonly peerId: string;
  readonly name: string;
  readonly state: PeerState;
  readonly stateChange: Omit<StateChange, 'from' | 'to'> | null;
  readonly enrolledAt: string;
  readonly seenAt: string | null;
  readonly appendOnly: boolean;
  readonly isHost: boolean;
  readonly isOnline: boolean;
  readonly shareBytes: number | null;
  readonly usedBytes: number | null;
  readonly freeBytes: number | null;
  readonly certificateIssuedAt: string;
  readonly certificateExpiresAt: string;
}

export interface MachineBackups {
  readonly peerId: string | null;
  readonly name: string | null;
  readonly lastSnapshotAt: string | null;
  readonly objects: number;
  readonly bytes: string;
  readonly hosts: number;
  readonly belowFull: number;
  readonly belowSafe: number;
  readonly classes: readonly { readonly durability: string; readonly objects: number; readonly bytes: string }[];
}
