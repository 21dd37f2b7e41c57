// From a request to a verified token: the checks that need nothing but the token, this host's keys and the time.
import { strict as assert } from 'node:assert';
import { Injectable } from '@nestjs/common';
import { type VerifiedToken, verifyToken } from '#protocol';
import { HostIdentity } from '../host-identity.js';
import { HostTime } from '../state/host-time.js';
import { WithdrawnTokens } from '../tokens/withdrawn-tokens.js';
import type { Exchange } from './exchange.js';

@Injectable()
export class AdmitToken {
  constructor(
    private readonly identity: HostIdentity,
    private readonly time: HostTime,
    private readonly withdrawn: WithdrawnTokens,
  ) {}

  /** token: where it stands in the body. Throws what verifyToken does | token_client_revoked. */
  run({ clientId, op, cid, ...exchange }: Exchange, token = exchange.token): VerifiedToken {
    assert(token !== null);
    const nowMs = this.time.nowMs();
    const verified = verifyToken(token, {
      keyOf: (kid) => this.identity.transactionKey(kid, nowMs),
      trustDomain: this.identity.trustDomain,
      hostId: this.identity.peerId,
      clientId,
      op,
      cid,
      nowMs,
    });
    this.withdrawn.check(verified);
    return verified;
  }
}
