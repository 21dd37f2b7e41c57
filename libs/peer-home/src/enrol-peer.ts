// How a machine becomes a peer: pin the CA of the join link, make an identity, show the credential, check what comes.
import { Pool } from 'undici';
import {
  decodeBase64url,
  type EnrolAnswer,
  type EnrolmentCredential,
  type EnrolRequest,
  encodeBase64url,
  enrolAnswer,
  errorFromProblem,
  formatTime,
  ProtocolError,
  parseJoinLink,
  parseTime,
  recoveryProofMessage,
  TransactionKey,
  type UnixMs,
} from '#protocol';
import { checkIssuedCertificate } from './check-issued-certificate.js';
import { ENROLMENT_ANSWER_BYTES_MAX, ENROLMENT_ANSWER_MS_MAX } from './limits.js';
import { makeIdentity } from './make-identity.js';
import type { HomeIdentity } from './peer-home.js';
import { BROKER_CODES, type PinnedAuthority, pinAuthority } from './pin-authority.js';
import { connectionRefusal, httpsOrigin, trustedConnector } from './trusted-connection.js';

/** What a recovery proof speaks about: it is good for this trust domain and this identity only. */
export interface CredentialContext {
  readonly trustDomain: string;
  readonly csrDer: Uint8Array;
}

export interface EnrolPeerOptions {
  readonly joinLink: string;
  /** One DNS label. */
  readonly name: string;
  readonly credential: EnrolmentCredential | ((context: CredentialContext) => EnrolmentCredential);
  readonly signal?: AbortSignal;
}

export interface EnrolledPeer extends HomeIdentity {
  readonly privateKeyPem: string;
  readonly certificatePem: string;
  readonly caPem: string;
  readonly transactionKey: TransactionKey;
  readonly brokerTimeMs: UnixMs;
}

/**
 * Enrol this machine at the broker of a join link. Keeps nothing on disk: PeerHome.create does.
 *
 * throws join_link_invalid | broker_unreachable | broker_untrusted | interrupted, and what the broker refuses with
 * (enrolment_key_invalid, recovery_proof_invalid, …)
 */
export async function enrolPeer(options: EnrolPeerOptions): Promise<EnrolledPeer> {
  const link = parseJoinLink(options.joinLink);
  const authority = await pinAuthority(link);
  const { privateKeyPem, csrDer } = await makeIdentity();
  const context = { trustDomain: authority.trustDomain, csrDer };
  const credential = typeof options.credential === 'function' ? options.credential(context) : options.credential;
  const request: EnrolRequest = { name: options.name, csr: encodeBase64url(csrDer), credential };
  const answer = await askBroker(link, authority, request, options.signal);
  if (answer.trustDomain !== authority.trustDomain) throw new ProtocolError('answer_untrusted', { reason: 'domain' });
  checkIssuedCertificate({
    certificatePem: answer.certificate,
    caPem: authority.caPem,
    privateKeyPem,
    expected: { trustDomain: authority.trustDomain, subject: answer.peerId },
  });
  return {
    peerId: answer.peerId,
    accountId: answer.accountId,
    name: options.name,
    trustDomain: answer.trustDomain,
    broker: { host: link.host, port: link.port },
    privateKeyPem,
    certificatePem: answer.certificate,
    caPem: authority.caPem,
    transactionKey: new TransactionKey(decodeBase64url(answer.transactionKey)!),
    brokerTimeMs: parseTime(answer.time)!,
  };
}

/**
 * The credential of somebody who holds an account's recovery phrase, for `EnrolPeerOptions.credential`.
 *
 * publicKey  Ed25519, 32 bytes, the one that the account registered
 * sign       by its private key, which follows from the phrase
 */
export function recoveryCredential(recovery: {
  readonly publicKey: Uint8Array;
  readonly sign: (message: Uint8Array) => Uint8Array;
  readonly nowMs: UnixMs;
}): (context: CredentialContext) => EnrolmentCredential {
  return ({ trustDomain, csrDer }) => {
    const madeAt = formatTime(recovery.nowMs);
    const proof = recovery.sign(recoveryProofMessage({ trustDomain, csrDer, madeAt }));
    return {
      kind: 'recovery-proof',
      publicKey: encodeBase64url(recovery.publicKey),
      proof: encodeBase64url(proof),
      madeAt,
    };
  };
}

async function askBroker(
  link: { host: string; port: number },
  authority: PinnedAuthority,
  request: EnrolRequest,
  signal: AbortSignal | undefined,
): Promise<EnrolAnswer> {
  const pool = new Pool(httpsOrigin(link), {
    connect: trustedConnector({
      caPem: authority.caPem,
      expected: { trustDomain: authority.trustDomain, subject: 'broker' },
      alpn: 'http/1.1',
      codes: BROKER_CODES,
    }),
    connections: 1,
    headersTimeout: ENROLMENT_ANSWER_MS_MAX,
    bodyTimeout: ENROLMENT_ANSWER_MS_MAX,
    maxResponseSize: ENROLMENT_ANSWER_BYTES_MAX,
  });
  try {
    const { statusCode, body } = await pool.request({
      method: 'POST',
      path: '/v1/enrolments',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
      ...(signal === undefined ? {} : { signal }),
    });
    return parseAnswer(statusCode, await body.text());
  } catch (error) {
    if (signal?.aborted) throw new ProtocolError('interrupted', {}, { cause: error });
    throw error instanceof Error ? connectionRefusal(error, BROKER_CODES) : error;
  } finally {
    await pool.destroy();
  }
}

function parseAnswer(status: number, text: string): EnrolAnswer {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new ProtocolError('answer_untrusted', { status }, { cause: error });
  }
  if (status !== 200 && status !== 201) {
    throw errorFromProblem(json) ?? new ProtocolError('answer_untrusted', { status });
  }
  const parsed = enrolAnswer.safeParse(json);
  if (!parsed.success) throw new ProtocolError('answer_untrusted', { status }, { cause: parsed.error });
  return parsed.data;
}
