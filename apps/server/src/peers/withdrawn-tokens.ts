// Which clients' tokens hosts are told to refuse: those of peers that were suspended or revoked while tokens of theirs
// may still live. Bounded, and it forgets nothing that matters.
import { Injectable } from '@nestjs/common';
import { CLOCK_SKEW_MS_MAX, formatTime, type PeerId, WITHDRAWN_CLIENTS_MAX, type WithdrawnTokens } from '#protocol';
import { longestTokenLifeMs } from '../config/policy.js';
import { Settings } from '../platform/settings.js';
import { PeerDirectory } from './peer-directory.js';
import { mayAsk } from './peer-standing.js';

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

  at(nowMs: number): WithdrawnTokens {
    const liveSinceMs = nowMs - this.tokenLifeMs;
    for (const [peerId, atMs] of this.shutOutAtMs) if (atMs < liveSinceMs) this.shutOutAtMs.delete(peerId);
    const matters = this.issuedBeforeMs >= liveSinceMs && this.issuedBeforeMs > 0;
    return {
      clients: [...this.shutOutAtMs.keys()],
      issuedBefore: matters ? formatTime(this.issuedBeforeMs) : null,
    };
  }
}

/** The list of this broker, kept by what the directory tells. */
@Injectable()
export class WithdrawnTokensOfPeers {
  private readonly list: WithdrawnTokenList;
  private others: (nowMs: number) => readonly { readonly kitId: PeerId }[] = () => [];

  constructor(directory: PeerDirectory, settings: Settings) {
    this.list = new WithdrawnTokenList(longestTokenLifeMs(settings.policy) + 2 * CLOCK_SKEW_MS_MAX);
    directory.whenStateChanges(({ stateChangedAtMs, peerId, ...standing }) => {
      if (mayAsk(standing) || stateChangedAtMs === null) this.list.letIn(peerId);
      else this.list.shutOut(peerId, stateChangedAtMs);
    });
  }

  /** Clients that are no peers of the directory: recovery kits, whose tokens live longer than those of peers. */
  alsoOf(others: (nowMs: number) => readonly { readonly kitId: PeerId }[]): void {
    this.others = others;
  }

  at(nowMs: number): WithdrawnTokens {
    const { clients, issuedBefore } = this.list.at(nowMs);
    const all = [...clients, ...this.others(nowMs).map(({ kitId }) => kitId)];
    if (all.length <= WITHDRAWN_CLIENTS_MAX) return { clients: all, issuedBefore };
    // Those that are left out are older than now, and so are all that they hold.
    return { clients: all.slice(0, WITHDRAWN_CLIENTS_MAX), issuedBefore: formatTime(nowMs) };
  }
}
