// Approves that a peer answers a neighbour's task at an address of its own (T8): fresh, and for exactly that.
import { Injectable } from '@nestjs/common';
import { Clock } from '#process';
import {
  type ApprovalAnswer,
  type ApprovalRequest,
  encodeApproval,
  formatTime,
  ProtocolError,
  parseAlias,
} from '#protocol';
import type { Caller } from '../control/caller.js';
import { mayHost } from '../peers/peer-standing.js';
import { Settings } from '../platform/settings.js';
import { SigningKeys } from '../signing/signing-keys.js';
import { isAliasAddress } from './is-alias-address.js';
import { LanRates } from './lan-rates.js';

@Injectable()
export class ApproveAnswer {
  private readonly rates = new LanRates();

  constructor(
    private readonly clock: Clock,
    private readonly settings: Settings,
    private readonly signing: SigningKeys,
  ) {}

  /** throws alias_refused, also for a peer that may serve nobody | rate_exceeded */
  run({ peer }: Caller, { taskId, alias }: ApprovalRequest): ApprovalAnswer {
    const { perPeerPerMinute, approvalLifeMs, aliasNetworks } = this.settings.policy.lan;
    if (!mayHost(peer.state)) throw new ProtocolError('alias_refused');
    const { address } = parseAlias(alias)!;
    const { hostAddressRanges: ranges } = this.settings;
    if (!isAliasAddress(address, { ranges, networks: aliasNetworks })) throw new ProtocolError('alias_refused');
    const nowMs = this.clock.nowMs();
    this.rates.count(peer.peerId, perPeerPerMinute, nowMs);
    const expiresAtMs = nowMs + approvalLifeMs;
    const { trustDomain } = this.settings;
    const claims = { trustDomain, hostId: peer.peerId, alias, taskId, issuedAtMs: nowMs, expiresAtMs };
    return {
      approval: encodeApproval(claims, this.signing.signerOf('approval')),
      expiresAt: formatTime(expiresAtMs),
    };
  }
}
