// Exchanges an admin key for a session of a browser; whoever tries keys is slowed down.
import { Injectable } from '@nestjs/common';
import { Clock, Log } from '#process';
import { ProtocolError } from '#protocol';
import { FailureWindows } from '../../accounts/failure-windows.js';
import { BrokerDatabase } from '../../platform/broker-database.js';
import { ADMIN_SIGN_IN_FAILURES_MAX, ADMIN_SIGN_IN_NETWORKS_MAX, ADMIN_SIGN_IN_WINDOW_MS } from '../limits.js';
import { type AdminKey, findAdminKey } from './admin-keys.js';
import { type AdminSession, insertAdminSession } from './admin-sessions.js';

export interface SignedInAdmin {
  readonly key: AdminKey;
  readonly session: AdminSession;
}

@Injectable()
export class AdminSignIn {
  private readonly failures = new FailureWindows(ADMIN_SIGN_IN_WINDOW_MS, ADMIN_SIGN_IN_NETWORKS_MAX);

  constructor(
    private readonly database: BrokerDatabase,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /**
   * network   as networkOf tells it
   * throws    admin_key_invalid | rate_exceeded after too many wrong ones from this network
   */
  async run(text: string, network: string): Promise<SignedInAdmin> {
    const atMs = this.clock.monotonicMs();
    const waitMs = this.failures.waitMs(network, ADMIN_SIGN_IN_FAILURES_MAX, atMs);
    if (waitMs > 0) throw new ProtocolError('rate_exceeded', { retryAfterSeconds: Math.ceil(waitMs / 1_000) });
    if (this.failures.isFull(atMs)) throw new ProtocolError('overloaded');
    const nowMs = this.clock.nowMs();
    const key = await findAdminKey(this.database.reads, text, nowMs);
    if (key === null) {
      this.failures.add(network, atMs, ADMIN_SIGN_IN_FAILURES_MAX);
      throw new ProtocolError('admin_key_invalid');
    }
    const session = await this.database.write((db) => insertAdminSession(db, key, nowMs));
    this.log.info({ event: 'admin_signed_in', adminKeyId: key.id });
    return { key, session };
  }
}
