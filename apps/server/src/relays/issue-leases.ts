// Signs leases (SPEC §13.2): for a peer that attaches itself to a relay, and for who wants to reach it there.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Clock } from '#process';
import { encodeLease, type LeaseClaims, type LeaseId, type PeerId, type Requester, uuidV7 } from '#protocol';
import { Settings } from '../platform/settings.js';
import { SigningKeys } from '../signing/signing-keys.js';

export interface IssuedLease {
  readonly text: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

@Injectable()
export class IssueLeases {
  constructor(
    private readonly clock: Clock,
    private readonly settings: Settings,
    private readonly signing: SigningKeys,
  ) {}

  serve(of: {
    readonly relayId: PeerId;
    readonly peerId: PeerId;
    readonly name: string | null;
    readonly web: boolean;
  }): IssuedLease {
    const { serveLeaseMs: lifeMs, serveBytesMax: bytesMax } = this.settings.policy.relay;
    return this.issue({ kind: 'serve', subject: of.peerId, ...of, bytesMax }, lifeMs);
  }

  reach(of: { readonly relayId: PeerId; readonly peerId: PeerId; readonly subject: Requester }): IssuedLease {
    const { reachLeaseMs: lifeMs, reachBytesMax: bytesMax } = this.settings.policy.relay;
    return this.issue({ kind: 'reach', name: null, web: false, ...of, bytesMax }, lifeMs);
  }

  private issue(
    of: Omit<LeaseClaims, 'trustDomain' | 'leaseId' | 'bytesPerSecondMax' | 'issuedAtMs' | 'expiresAtMs'>,
    lifeMs: number,
  ): IssuedLease {
    const issuedAtMs = this.clock.nowMs();
    const expiresAtMs = issuedAtMs + lifeMs;
    const { bytesPerSecondMax } = this.settings.policy.relay;
    const claims: LeaseClaims = {
      ...of,
      trustDomain: this.settings.trustDomain,
      leaseId: uuidV7<LeaseId>(issuedAtMs, randomBytes(10)),
      bytesPerSecondMax,
      issuedAtMs,
      expiresAtMs,
    };
    return { text: encodeLease(claims, this.signing.signerOf('lease')), issuedAtMs, expiresAtMs };
  }
}
