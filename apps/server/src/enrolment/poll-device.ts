// A machine asks whether a person has decided; the answer is a refusal until somebody has approved (RFC 8628 §3.5).
import { Injectable } from '@nestjs/common';
import { Clock } from '#process';
import { type EnrolRequest, ProtocolError } from '#protocol';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { findGrantOf, forgetExpiredGrants } from './device-grants.js';
import { PollPace } from './poll-pace.js';

@Injectable()
export class PollDevice {
  private readonly pace: PollPace;

  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly settings: Settings,
  ) {
    this.pace = new PollPace(settings.policy.deviceEnrolmentPollMs);
  }

  /**
   * Returns when the enrolment may go on; cheap, for machines ask again and again.
   *
   * throws   enrolment_expired (also for codes that never were, and for another request or name) | enrolment_refused |
   *          enrolment_pending | enrolment_poll_too_fast
   */
  async run(request: EnrolRequest, deviceCode: string): Promise<void> {
    const grant = await findGrantOf(this.database.reads, request, deviceCode, this.clock.nowMs());
    if (grant.state === 'refused') throw new ProtocolError('enrolment_refused');
    if (grant.state === 'approved') return;
    this.pace.claim(grant.deviceCodeHash, this.clock.monotonicMs());
    throw new ProtocolError('enrolment_pending');
  }

  /** Remove what nobody approved in time. */
  async forgetExpired(): Promise<void> {
    await this.database.write((db) => forgetExpiredGrants(db, this.clock.nowMs()));
    this.pace.forget(this.clock.monotonicMs() - this.settings.policy.deviceEnrolmentLifeMs);
  }
}
