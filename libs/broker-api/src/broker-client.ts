// What a peer says to its broker, one method a message. Every request is signed, every answer verified and parsed.

import { checkIssuedCertificate, type HomeCertificate, makeCertificateRequest, type PeerHome } from '#peer-home';
import type { Clock, Log } from '#process';
import {
  type BeginGetAnswer,
  type BeginGetRequest,
  type BeginPutAnswer,
  type BeginPutRequest,
  beginGetAnswer,
  beginPutAnswer,
  emptyAnswer,
  encodeBase64url,
  type ListObjectsAnswer,
  type ListObjectsQuery,
  listObjectsAnswer,
  type PeerStatusAnswer,
  type PresenceAnswer,
  type PresenceRequest,
  ProtocolError,
  peerStatusAnswer,
  presenceAnswer,
  type Redundancy,
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
import { PREVIOUS_KEY_LIFE_MS } from './limits.js';
import { SignedExchange } from './signed-exchange.js';

export interface BrokerClientOptions {
  readonly home: PeerHome;
  readonly clock: Clock;
  readonly log: Log;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * All methods throw the broker's refusal by its code, or broker_unreachable | broker_untrusted | answer_untrusted |
 * interrupted (by `signal`). None is repeated here after a lost answer: the caller knows what may be asked twice.
 */
export class BrokerClient {
  readonly brokerTime: BrokerTime;
  private readonly home: PeerHome;
  private readonly log: Log;
  private readonly exchange: SignedExchange;

  constructor({ home, clock, log }: BrokerClientOptions) {
    this.home = home;
    this.log = log;
    this.brokerTime = new BrokerTime(clock);
    this.exchange = new SignedExchange(home, this.brokerTime);
  }

  /** Ask for hosts and tokens to store shards. The same request again is answered again. */
  async beginPut(request: BeginPutRequest, options: CallOptions = {}): Promise<BeginPutAnswer> {
    return this.exchange.run({ method: 'POST', path: '/v1/puts', body: request, answer: beginPutAnswer, ...options });
  }

  /** Ask for tokens to fetch shards. */
  async beginGet(request: BeginGetRequest, options: CallOptions = {}): Promise<BeginGetAnswer> {
    return this.exchange.run({ method: 'POST', path: '/v1/gets', body: request, answer: beginGetAnswer, ...options });
  }

  /** One page of the account's objects, oldest first; `next` is the `after` of the following page, null at the end. */
  async listObjects(query: ListObjectsQuery = {}, options: CallOptions = {}): Promise<ListObjectsAnswer> {
    const parameters = new URLSearchParams();
    if (query.kind !== undefined) parameters.set('kind', query.kind);
    if (query.after !== undefined) parameters.set('after', query.after);
    if (query.limit !== undefined) parameters.set('limit', String(query.limit));
    const search = parameters.size === 0 ? '' : `?${parameters}`;
    return this.exchange.run({ method: 'GET', path: `/v1/objects${search}`, answer: listObjectsAnswer, ...options });
  }

  /** The code that new objects must have. */
  async redundancy(options: CallOptions = {}): Promise<Redundancy> {
    return this.exchange.run({ method: 'GET', path: '/v1/redundancy', answer: redundancyAnswer, ...options });
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

  async presence(request: PresenceRequest, options: CallOptions = {}): Promise<PresenceAnswer> {
    return this.exchange.run({
      method: 'POST',
      path: '/v1/presence',
      body: request,
      answer: presenceAnswer,
      ...options,
    });
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

  /** Get the next transaction key, sealed under the present one, and keep it; tokens under the old stay good a while. */
  async renewTransactionKey(options: CallOptions = {}): Promise<TransactionKey> {
    const under = this.home.transactionKeys().current;
    const { wrappedKey } = await this.exchange.run({
      method: 'POST',
      path: '/v1/transaction-keys',
      body: {},
      answer: renewTransactionKeyAnswer,
      key: under,
      ...options,
    });
    const next = unwrapTransactionKey(wrappedKey, under, this.home.identity.peerId);
    await this.home.saveTransactionKey(next, this.brokerTime.nowMs() + PREVIOUS_KEY_LIFE_MS);
    this.log.info({ event: 'transaction_key_renewed', kid: next.kid });
    return next;
  }

  /** Drop all connections; requests under way fail. */
  async close(): Promise<void> {
    await this.exchange.close();
  }
}
