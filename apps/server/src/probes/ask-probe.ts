// Probes one host: a token like any other, the broker's own certificate, a connection that the guard allows.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { probeHost } from '#peer-link';
import { Clock } from '#process';
import { type PeerAddress, ProtocolError, TOKEN_OPS, type TransactionId, uuidV7 } from '#protocol';
import { TokenIssuer } from '../keys/token-issuer.js';
import { Settings } from '../platform/settings.js';
import { BrokerIdentity } from './broker-identity.js';
import { outcomeOfRefusal, type ProbeOutcome } from './decide-probe.js';
import { DialHosts } from './dial-hosts.js';

@Injectable()
export class AskProbe {
  constructor(
    private readonly tokens: TokenIssuer,
    private readonly identity: BrokerIdentity,
    private readonly dialHosts: DialHosts,
    private readonly settings: Settings,
    private readonly clock: Clock,
  ) {}

  /**
   * host     where the broker saw its signed presence come from, and through which relay
   * throws   interrupted by `signal`; nothing else that is a refusal
   */
  async run(host: PeerAddress, signal: AbortSignal): Promise<ProbeOutcome> {
    const isRelayed = host.relay !== undefined;
    if (!this.dialHosts.allows(host)) return outcomeOfRefusal('host_address_refused', { isRelayed });
    const timeout = new ProtocolError('peer_unreachable', { reason: 'probe timeout' });
    const own = new AbortController();
    const cancel = this.clock.schedule(this.settings.policy.probeTimeoutMs, () => own.abort(timeout));
    try {
      const token = await this.seal(host);
      const identity = await this.identity.present();
      const dial = this.dialHosts.dialTo(host, identity);
      const ended = AbortSignal.any([signal, own.signal]);
      return {
        kind: 'good',
        answer: await probeHost({ identity, clock: this.clock, host, token, dial, signal: ended }),
      };
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code === 'interrupted') throw error;
      return outcomeOfRefusal(error.code, { isRelayed });
    } finally {
      cancel();
    }
  }

  /** Nothing is paid for a probe, so it is no transaction in the books; its token is one like any other. */
  private seal({ peerId }: PeerAddress): Promise<string> {
    const nowMs = this.clock.nowMs();
    return this.tokens.seal({
      hostId: peerId,
      clientId: 'broker',
      transactionId: uuidV7<TransactionId>(nowMs, randomBytes(10)),
      issuedAtMs: nowMs,
      expiresAtMs: nowMs + Math.min(this.settings.policy.tokenLifeMs, TOKEN_OPS.probe.lifeMsMax),
      op: 'probe',
      items: [],
    });
  }
}
