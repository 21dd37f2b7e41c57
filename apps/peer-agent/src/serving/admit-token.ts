// From a request to a verified token: the checks that need nothing but the token, this host's keys and the time.
import { Injectable } from '@nestjs/common';
import { type VerifiedToken, verifyToken } from '#protocol';
import { HostIdentity } from '../host-identity.js';
import { HostTime } from '../state/host-time.js';
import type { Exchange } from './exchange.js';

@Injectable()
export class AdmitToken {
  constructor(
    private readonly identity: HostIdentity,
    private readonly time: HostTime,
  ) {}

  /** throws what verifyToken does */
  run({ token, clientId, op, cid }: Exchange): VerifiedToken {
    const nowMs = this.time.nowMs();
    return verifyToken(token, {
      keyOf: (kid) => this.identity.transactionKey(kid, nowMs),
      trustDomain: this.identity.trustDomain,
      hostId: this.identity.peerId,
      clientId,
      op,
      cid,
      nowMs,
    });
  }
}
