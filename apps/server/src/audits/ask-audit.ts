// Asks one host for one block: a token like any other, the broker's own certificate, a connection that the guard allows.
import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { auditHost } from '#peer-link';
import { Clock } from '#process';
import { type PeerAddress, ProtocolError, TOKEN_OPS, type TransactionId, uuidV7 } from '#protocol';
import { TokenIssuer } from '../keys/token-issuer.js';
import { Settings } from '../platform/settings.js';
import { AskProbe } from '../probes/ask-probe.js';
import { BrokerIdentity } from '../probes/broker-identity.js';
import { DialHosts } from '../probes/dial-hosts.js';
import type { Challenge } from './challenge.js';
import { type AuditFinding, kindOfRefusal } from './decide-audit-outcome.js';

@Injectable()
export class AskAudit {
  constructor(
    private readonly tokens: TokenIssuer,
    private readonly identity: BrokerIdentity,
    private readonly dialHosts: DialHosts,
    private readonly probe: AskProbe,
    private readonly settings: Settings,
    private readonly clock: Clock,
  ) {}

  /**
   * The bytes that the host shows are checked against the content id that the broker knows, and forgotten.
   *
   * throws   interrupted by `signal`; nothing else that is a refusal
   */
  async run(host: PeerAddress, challenge: Challenge, signal: AbortSignal): Promise<AuditFinding> {
    if (!this.dialHosts.allows(host)) return this.silent(host, 'host_address_refused', signal);
    let token: string;
    try {
      token = await this.seal(challenge);
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code === 'interrupted') throw error;
      return { kind: 'unasked', code: error.code };
    }
    try {
      await this.ask(host, challenge, token, signal);
      return { kind: 'shown' };
    } catch (error) {
      if (!(error instanceof ProtocolError) || error.code === 'interrupted') throw error;
      const { code } = error;
      const kind = kindOfRefusal(code);
      return kind === 'silent' ? this.silent(host, code, signal) : { kind, code };
    }
  }

  private async ask(host: PeerAddress, challenge: Challenge, token: string, signal: AbortSignal): Promise<void> {
    const own = new AbortController();
    const timeout = new ProtocolError('peer_unreachable', { reason: 'audit timeout' });
    const cancel = this.clock.schedule(this.settings.policy.audits.timeoutMs, () => own.abort(timeout));
    const { cid, sizeBytes, block } = challenge;
    try {
      const identity = await this.identity.present();
      const dial = this.dialHosts.dialTo(host, identity);
      const ended = AbortSignal.any([signal, own.signal]);
      const asked = { identity, clock: this.clock, host, token, dial, signal: ended };
      await auditHost({ ...asked, cid, sizeBytes, blocks: [block] });
    } finally {
      cancel();
    }
  }

  /** A host that keeps silent about a block, and answers a probe, is there. */
  private async silent(host: PeerAddress, code: ProtocolError['code'], signal: AbortSignal): Promise<AuditFinding> {
    const { kind } = await this.probe.run(host, signal);
    return { kind: 'silent', code, answersProbe: kind === 'good' };
  }

  /** Nothing is paid for an audit, so it is no transaction in the books; its token is one like any other. */
  private seal({ hostId, cid, sizeBytes }: Challenge): Promise<string> {
    const nowMs = this.clock.nowMs();
    return this.tokens.seal({
      hostId,
      clientId: 'broker',
      transactionId: uuidV7<TransactionId>(nowMs, randomBytes(10)),
      issuedAtMs: nowMs,
      expiresAtMs: nowMs + Math.min(this.settings.policy.tokenLifeMs, TOKEN_OPS.audit.lifeMsMax),
      op: 'audit',
      items: [{ cid, sizeBytes }],
    });
  }
}
