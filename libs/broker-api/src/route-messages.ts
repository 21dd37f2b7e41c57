// What a peer says to its broker about ways to other peers: the network's keys, relays, neighbours on the local network.
import type { z } from 'zod';
import {
  type ApprovalAnswer,
  type ApprovalRequest,
  approvalAnswer,
  emptyAnswer,
  type LanGetAnswer,
  type LanGetRequest,
  type LanReportRequest,
  lanGetAnswer,
  type NetworkAnswer,
  networkAnswer,
  type RelayAttachmentAnswer,
  type RelayAttachmentRequest,
  type RelayPresenceAnswer,
  type RelayPresenceRequest,
  type RelayUsageAnswer,
  type RelayUsageRequest,
  relayAttachmentAnswer,
  relayPresenceAnswer,
  relayUsageAnswer,
} from '#protocol';
import type { CallOptions } from './call-options.js';
import type { SignedExchange } from './signed-exchange.js';

/** All methods throw as those of BrokerClient do. */
export class RouteMessages {
  constructor(private readonly exchange: SignedExchange) {}

  /** What this machine keeps of its network. */
  network(options: CallOptions = {}): Promise<NetworkAnswer> {
    return this.exchange.run({ method: 'GET', path: '/v1/network', answer: networkAnswer, ...options });
  }

  /** Ask for a relay and a lease to attach this peer to it. Throws relay_unavailable. */
  attach(body: RelayAttachmentRequest, options: CallOptions = {}): Promise<RelayAttachmentAnswer> {
    return this.post('/v1/relay-attachments', body, relayAttachmentAnswer, options);
  }

  /** Of a relay: it is there. Throws relay_unknown. */
  relayPresence(body: RelayPresenceRequest, options: CallOptions = {}): Promise<RelayPresenceAnswer> {
    return this.post('/v1/relays/presence', body, relayPresenceAnswer, options);
  }

  /** Of a relay: what it carried. Throws relay_unknown. */
  relayUsage(body: RelayUsageRequest, options: CallOptions = {}): Promise<RelayUsageAnswer> {
    return this.post('/v1/relays/usage', body, relayUsageAnswer, options);
  }

  /** Ask for the right to answer a neighbour's task. Throws alias_refused. */
  approve(body: ApprovalRequest, options: CallOptions = {}): Promise<ApprovalAnswer> {
    return this.post('/v1/approvals', body, approvalAnswer, options);
  }

  /** Ask for tokens to get shards from a neighbour. */
  lanGets(body: LanGetRequest, options: CallOptions = {}): Promise<LanGetAnswer> {
    return this.post('/v1/lan-gets', body, lanGetAnswer, options);
  }

  /** Say which neighbours lied. */
  async lanReports(body: LanReportRequest, options: CallOptions = {}): Promise<void> {
    await this.post('/v1/lan-reports', body, emptyAnswer, options);
  }

  private post<T>(path: string, body: object, answer: z.ZodType<T>, options: CallOptions): Promise<T> {
    return this.exchange.run({ method: 'POST', path, body, answer, ...options });
  }
}
