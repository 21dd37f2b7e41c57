// Which clients' tokens hosts are told to refuse: those of peers that were suspended or revoked while tokens of theirs
// may still live. Bounded, and it forgets nothing that matters.
import { Injectable } from '@nestjs/common';
import {
  CLOCK_SKEW_MS_MAX,
  formatTime,
  type PeerId,
  WITHDRAWN_CLIENTS_MAX,
  WITHDRAWN_KITS_MAX,
  type WithdrawnTokens,
} from '#protocol';
import { longestTokenLifeMs } from '../config/policy.js';
import { Settings } from '../platform/settings.js';
import { PeerDirectory } from './peer-directory.js';
import { mayAsk } from './peer-standing.js';

/** A client, and a moment from which on no token was issued for it. */
export interface ShutOutClient {
  readonly clientId: PeerId;
  readonly atMs: number;
}

export class WithdrawnTokenList {
  /** When each was shut out, the earliest first. */
  private readonly shutOutAtMs = new Map<PeerId, number>();
  private issuedBeforeMs = 0;

  /** tokenLifeMs: the longest that a token may still be taken after it was issued */
  constructor(private readonly tokenLifeMs: number) {}

  shutOut(peerId: PeerId, atMs: number): void {
    this.shutOutAtMs.delete(peerId);
    this.shutOutAtMs.set(peerId, atMs);
    if (this.shutOutAtMs.size <= WITHDRAWN_CLIENTS_MAX) return;
    const [oldest] = this.shutOutAtMs;
    if (oldest === undefined) return;
    const [leftOut, leftOutAtMs] = oldest;
    this.shutOutAtMs.delete(leftOut);
    // Its tokens are all older than this. Others' tokens of that age are refused with them, and asked for anew.
    this.issuedBeforeMs = Math.max(this.issuedBeforeMs, leftOutAtMs);
  }

  letIn(peerId: PeerId): void {
    this.shutOutAtMs.delete(peerId);
  }

  /** kits    those that are withdrawn and have not ended, in any order: their tokens live longer than those of machines */
  at(nowMs: number, kits: readonly ShutOutClient[] = []): WithdrawnTokens {
    const liveSinceMs = nowMs - this.tokenLifeMs;
    for (const [peerId, atMs] of this.shutOutAtMs) if (atMs < liveSinceMs) this.shutOutAtMs.delete(peerId);
    const machines = [...this.shutOutAtMs].map(([clientId, atMs]) => ({ clientId, atMs }));
    // Kits stay for months. They take what machines leave them, and of that a part is their own.
    const kitsOwn = Math.min(kits.length, WITHDRAWN_KITS_MAX);
    const ofMachines = latestOf(machines, WITHDRAWN_CLIENTS_MAX - kitsOwn);
    const ofKits = latestOf(kits, WITHDRAWN_CLIENTS_MAX - ofMachines.told.length);
    const forgottenMs = this.issuedBeforeMs >= liveSinceMs ? this.issuedBeforeMs : 0;
    const issuedBeforeMs = Math.max(forgottenMs, ofMachines.issuedBeforeMs, ofKits.issuedBeforeMs);
    return {
      clients: [...ofMachines.told, ...ofKits.told].map(({ clientId }) => clientId),
      issuedBefore: issuedBeforeMs > 0 ? formatTime(issuedBeforeMs) : null,
    };
  }
}

/** Those shut out last; tokens of all others were issued before `issuedBeforeMs`, which is 0 when there are none. */
function latestOf(
  clients: readonly ShutOutClient[],
  max: number,
): { readonly told: readonly ShutOutClient[]; readonly issuedBeforeMs: number } {
  if (clients.length <= max) return { told: clients, issuedBeforeMs: 0 };
  const latestFirst = [...clients].sort((left, right) => right.atMs - left.atMs);
  return { told: latestFirst.slice(0, max), issuedBeforeMs: latestFirst[max]!.atMs };
}

/** The list of this broker, kept by what the directory tells. */
@Injectable()
export class WithdrawnTokensOfPeers {
  private readonly list: WithdrawnTokenList;
  private withdrawnKits: (nowMs: number) => readonly ShutOutClient[] = () => [];

  constructor(directory: PeerDirectory, settings: Settings) {
    this.list = new WithdrawnTokenList(longestTokenLifeMs(settings.policy) + 2 * CLOCK_SKEW_MS_MAX);
    directory.whenStateChanges(({ stateChangedAtMs, peerId, ...standing }) => {
      if (mayAsk(standing) || stateChangedAtMs === null) this.list.letIn(peerId);
      else this.list.shutOut(peerId, stateChangedAtMs);
    });
  }

  /** Clients that are no peers of the directory: recovery kits. */
  alsoOf(withdrawnKits: (nowMs: number) => readonly ShutOutClient[]): void {
    this.withdrawnKits = withdrawnKits;
  }

  at(nowMs: number): WithdrawnTokens {
    return this.list.at(nowMs, this.withdrawnKits(nowMs));
  }
}
