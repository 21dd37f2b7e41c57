// What a peer says to its broker, one method a message. Every request is signed, every answer verified and parsed.

import type { z } from 'zod';
import {
  checkIssuedCertificate,
  type Dial,
  type HomeCertificate,
  makeCertificateRequest,
  type PeerHome,
} from '#peer-home';
import type { Clock, Log } from '#process';
import {
  type BeginDeleteAnswer,
  type BeginDeleteRequest,
  type BeginGetAnswer,
  type BeginGetRequest,
  type BeginPutAnswer,
  type BeginPutRequest,
  type BeginStreamAnswer,
  type BeginStreamRequest,
  type BeginUniversalAnswer,
  type BeginUniversalRequest,
  beginDeleteAnswer,
  beginGetAnswer,
  beginPutAnswer,
  beginStreamAnswer,
  beginUniversalAnswer,
  type CreditAnswer,
  creditAnswer,
  emptyAnswer,
  encodeBase64url,
  isRefusal,
  type KeepFilterAnswer,
  type KeepFilterRequest,
  keepFilterAnswer,
  type ListedHost,
  type ListedPeer,
  type ListHostsAnswer,
  type ListObjectsAnswer,
  type ListObjectsQuery,
  type ListPeersAnswer,
  type LossesRequest,
  listedPeer,
  listHostsAnswer,
  listObjectsAnswer,
  listPeersAnswer,
  type PeerId,
  type PeerStatusAnswer,
  type PresenceAnswer,
  type PresenceRequest,
  ProtocolError,
  peerStatusAnswer,
  presenceAnswer,
  type Redundancy,
  type RevokePeerRequest,
  redundancyAnswer,
  renewCertificateAnswer,
  renewTransactionKeyAnswer,
  type SendReportsAnswer,
  type SendReportsRequest,
  type SetRecoveryKeyRequest,
  sendReportsAnswer,
  type TransactionKey,
  unwrapTransactionKey,
} from '#protocol';
import { BrokerTime } from './broker-time.js';
import type { CallOptions } from './call-options.js';
import { EscrowMessages } from './escrow-messages.js';
import { GroupMessages } from './group-messages.js';
import { KitMessages } from './kit-messages.js';
import { type PutWish, redundancyPath } from './redundancy-path.js';
import { RepairMessages } from './repair-messages.js';
import { RouteMessages } from './route-messages.js';
import { SignedExchange } from './signed-exchange.js';

export interface BrokerClientOptions {
  readonly home: PeerHome;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * All methods throw the broker's refusal by its code, or broker_unreachable | broker_untrusted | answer_untrusted |
 * interrupted (by `signal`). None is repeated here after a lost answer: the caller knows what may be asked twice.
 */
export class BrokerClient {
  readonly brokerTime: BrokerTime;
  /** The master key in escrow, for those who chose it (B7). */
  readonly escrow: EscrowMessages;
  /** Groups of peers (B14). */
  readonly groups: GroupMessages;
  /** Restores for a day without broker. */
  readonly kits: KitMessages;
  /** Objects that lost shards, this account's and others'. */
  readonly repairs: RepairMessages;
  /** Ways to other peers: relays, and neighbours on the local network. */
  readonly routes: RouteMessages;
  private readonly home: PeerHome;
  private readonly log: Log;
  private readonly exchange: SignedExchange;

  constructor({ home, clock, log }: BrokerClientOptions) {
    this.home = home;
    this.log = log;
    this.brokerTime = new BrokerTime(clock);
    this.exchange = new SignedExchange(home, this.brokerTime);
    this.escrow = new EscrowMessages(home, this.exchange);
    this.groups = new GroupMessages(this.exchange);
    this.kits = new KitMessages(this.exchange);
    this.repairs = new RepairMessages(this.exchange);
    this.routes = new RouteMessages(this.exchange);
  }

  /** Connect by this from now on; the TLS with the broker is the same whoever carries it. */
  reachBy(dial: Dial): void {
    this.exchange.dial = dial;
  }

  /** Ask for hosts and tokens to store shards. The same request again is answered again. */
  async beginPut(request: BeginPutRequest, options: CallOptions = {}): Promise<BeginPutAnswer> {
    return this.exchange.run({ method: 'POST', path: '/v1/puts', body: request, answer: beginPutAnswer, ...options });
  }

  /** Ask for tokens to fetch shards. */
  async beginGet(request: BeginGetRequest, options: CallOptions = {}): Promise<BeginGetAnswer> {
    return this.exchange.run({ method: 'POST', path: '/v1/gets', body: request, answer: beginGetAnswer, ...options });
  }

  /** Ask for tokens to read ranges of an object's shards. */
  async beginStream(request: BeginStreamRequest, options: CallOptions = {}): Promise<BeginStreamAnswer> {
    return this.post('/v1/streams', request, beginStreamAnswer, options);
  }

  /** Delete objects; they are in no list any more. The same request again asks again for what hosts still have. */
  async beginDelete(request: BeginDeleteRequest, options: CallOptions = {}): Promise<BeginDeleteAnswer> {
    return this.post('/v1/deletes', request, beginDeleteAnswer, options);
  }

  /** Ask for universal tokens, while the answers of puts and gets say that they are offered. */
  async beginUniversal(request: BeginUniversalRequest, options: CallOptions = {}): Promise<BeginUniversalAnswer> {
    return this.post('/v1/universals', request, beginUniversalAnswer, options);
  }

  /** One page of the account's objects that are safe, or deleted, oldest first; `next` is the `after` of the following page, null at the end. */
  async listObjects(query: ListObjectsQuery = {}, options: CallOptions = {}): Promise<ListObjectsAnswer> {
    const parameters = new URLSearchParams();
    if (query.state !== undefined) parameters.set('state', query.state);
    if (query.kind !== undefined) parameters.set('kind', query.kind);
    if (query.after !== undefined) parameters.set('after', query.after);
    if (query.limit !== undefined) parameters.set('limit', String(query.limit));
    const search = parameters.size === 0 ? '' : `?${parameters}`;
    return this.exchange.run({ method: 'GET', path: `/v1/objects${search}`, answer: listObjectsAnswer, ...options });
  }

  /** The code that new objects must have which are to be kept so. */
  async redundancy({ signal, ...wanted }: CallOptions & PutWish = {}): Promise<Redundancy> {
    const path = redundancyPath(wanted);
    return this.exchange.run({ method: 'GET', path, answer: redundancyAnswer, signal });
  }

  /** What this account has in credit, how hosting came to it, and what it buys. */
  async credit(options: CallOptions = {}): Promise<CreditAnswer> {
    return this.exchange.run({ method: 'GET', path: '/v1/credit', answer: creditAnswer, ...options });
  }

  /** Say how transactions ended; idempotent. One result per report, in order. */
  async sendReports(request: SendReportsRequest, options: CallOptions = {}): Promise<SendReportsAnswer> {
    const answer = await this.exchange.run({
      method: 'POST',
      path: '/v1/reports',
      body: request,
      answer: sendReportsAnswer,
      ...options,
    });
    if (answer.results.length !== request.reports.length) throw new ProtocolError('answer_untrusted');
    return answer;
  }

  /** Say that this host has some shards no more: they are put elsewhere, and it is not asked for them again. */
  async reportLosses(request: LossesRequest, options: CallOptions = {}): Promise<void> {
    await this.post('/v1/losses', request, emptyAnswer, options);
  }

  /** A part of what this host should hold; see readKeepPart. */
  async keepFilter(request: KeepFilterRequest, options: CallOptions = {}): Promise<KeepFilterAnswer> {
    return this.post('/v1/keep-filter', request, keepFilterAnswer, options);
  }

  async presence(request: PresenceRequest, options: CallOptions = {}): Promise<PresenceAnswer> {
    return this.post('/v1/presence', request, presenceAnswer, options);
  }

  async peerStatus(options: CallOptions = {}): Promise<PeerStatusAnswer> {
    return this.exchange.run({ method: 'GET', path: '/v1/peers/me', answer: peerStatusAnswer, ...options });
  }

  /**
   * Register the Ed25519 public key by which a later machine proves that it holds the recovery phrase. The same key
   * again is accepted; another one is recovery_key_exists.
   */
  async setRecoveryKey(publicKey: Uint8Array, options: CallOptions = {}): Promise<void> {
    const body: SetRecoveryKeyRequest = { publicKey: encodeBase64url(publicKey) };
    await this.exchange.run({ method: 'POST', path: '/v1/recovery-key', body, answer: emptyAnswer, ...options });
  }

  /** Get a certificate with a later end for the identity key of this home, check it, and keep it. */
  async renewCertificate(options: CallOptions = {}): Promise<HomeCertificate> {
    const csr = await makeCertificateRequest(this.home.privateKeyPem);
    const { certificate } = await this.exchange.run({
      method: 'POST',
      path: '/v1/certificates',
      body: { csr: encodeBase64url(csr) },
      answer: renewCertificateAnswer,
      ...options,
    });
    const { trustDomain, peerId } = this.home.identity;
    checkIssuedCertificate({
      certificatePem: certificate,
      caPem: this.home.caPem,
      privateKeyPem: this.home.privateKeyPem,
      expected: { trustDomain, subject: peerId },
    });
    await this.home.saveCertificate(certificate);
    const renewed = this.home.certificate();
    this.log.info({ event: 'certificate_renewed', notAfterMs: renewed.notAfterMs });
    return renewed;
  }

  /**
   * Get the next transaction key, sealed under the present one, and keep it; tokens under the old stay good as long as
   * the broker says. Returns the current key when too many old ones are still good: then the next waits at the broker.
   */
  async renewTransactionKey(options: CallOptions = {}): Promise<TransactionKey> {
    const under = this.home.transactionKeys().current;
    const { wrappedKey, acceptPreviousMs } = await this.exchange.run({
      method: 'POST',
      path: '/v1/transaction-keys',
      body: {},
      answer: renewTransactionKeyAnswer,
      key: under,
      ...options,
    });
    const next = unwrapTransactionKey(wrappedKey, under, this.home.identity.peerId);
    const nowMs = this.brokerTime.nowMs();
    if (!(await this.home.saveTransactionKey(next, nowMs + acceptPreviousMs, nowMs))) {
      this.log.warn({ event: 'transaction_key_renewal_waits' });
      return under;
    }
    this.log.info({ event: 'transaction_key_renewed', kid: next.kid });
    await this.useNewKey(options);
    return next;
  }

  /**
   * Renew the certificate and the transaction key when the broker says that they are due: for a machine without an
   * agent, whose commands are all that the broker hears of it.
   */
  async renewWhatIsDue(options: CallOptions = {}): Promise<void> {
    const { renewCertificate, renewTransactionKey } = await this.peerStatus(options);
    if (renewCertificate) await this.renewCertificate(options);
    if (renewTransactionKey) await this.renewTransactionKey(options);
  }

  /** All machines of this account, oldest first, shut-out ones too. */
  async listPeers(options: CallOptions = {}): Promise<ListedPeer[]> {
    const peers: ListedPeer[] = [];
    let after: PeerId | null = null;
    do {
      const path: string = after === null ? '/v1/peers' : `/v1/peers?after=${after}`;
      const page: ListPeersAnswer = await this.exchange.run({
        method: 'GET',
        path,
        answer: listPeersAnswer,
        ...options,
      });
      peers.push(...page.peers);
      after = page.next;
    } while (after !== null);
    return peers;
  }

  /** Shut another machine of this account out for good; again: as it was first revoked. Throws peer_unknown. */
  async revokePeer(peerId: PeerId, reason: string, options: CallOptions = {}): Promise<ListedPeer> {
    const body: RevokePeerRequest = { reason };
    const path = `/v1/peers/${peerId}/revoke`;
    return this.exchange.run({ method: 'POST', path, body, answer: listedPeer, ...options });
  }

  /** A machine of this account is to hold nothing for others any more. Throws peer_unknown | peer_suspended. */
  async leave(peerId: PeerId, reason: string, options: CallOptions = {}): Promise<ListedPeer> {
    return this.post(`/v1/peers/${peerId}/leave`, { reason }, listedPeer, options);
  }

  /** It stays after all; one that is gone begins anew. Throws as leave does. */
  async stay(peerId: PeerId, reason: string, options: CallOptions = {}): Promise<ListedPeer> {
    return this.post(`/v1/peers/${peerId}/stay`, { reason }, listedPeer, options);
  }

  /** The hosts that hold this account's shards; the counts are of all of them. */
  async listHosts(options: CallOptions = {}): Promise<Omit<ListHostsAnswer, 'next'>> {
    const hosts: ListedHost[] = [];
    let after: PeerId | null = null;
    for (;;) {
      const path: string = after === null ? '/v1/hosts' : `/v1/hosts?after=${after}`;
      const { next, ...page }: ListHostsAnswer = await this.exchange.run({
        method: 'GET',
        path,
        answer: listHostsAnswer,
        ...options,
      });
      hosts.push(...page.hosts);
      if (next === null) return { ...page, hosts };
      after = next;
    }
  }

  /** Make a machine of this account append-only; again: as it is. Only a person takes it back. Throws peer_unknown. */
  async setAppendOnly(peerId: PeerId, options: CallOptions = {}): Promise<ListedPeer> {
    return this.post(`/v1/peers/${peerId}/append-only`, {}, listedPeer, options);
  }

  /** The broker seals tokens under a new key once it has heard of it: let that be now, while the old key is fresh. */
  private async useNewKey(options: CallOptions): Promise<void> {
    try {
      await this.redundancy(options);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.log.debug({ event: 'new_key_not_heard_of', err: error });
    }
  }

  /** Drop all connections; requests under way fail. */
  async close(): Promise<void> {
    await this.exchange.close();
  }

  private post<T>(path: string, body: object, answer: z.ZodType<T>, options: CallOptions): Promise<T> {
    return this.exchange.run({ method: 'POST', path, body, answer, ...options });
  }
}
