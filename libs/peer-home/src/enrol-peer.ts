// How a machine becomes a peer: pin the CA of the join link, make an identity, show the credential (or ask a person),
// check what comes.
import { createPublicKey } from 'node:crypto';
import {
  decodeBase64url,
  type EnrolAnswer,
  type EnrolmentCredential,
  type EnrolRequest,
  encodeBase64url,
  enrolAnswer,
  formatTime,
  keyFingerprint,
  ProtocolError,
  parseJoinLink,
  parseTime,
  recoveryProofMessage,
  TransactionKey,
  type UnixMs,
} from '#protocol';
import { checkIssuedCertificate } from './check-issued-certificate.js';
import { type ApprovalWay, enrolByApproval } from './enrol-by-approval.js';
import { EnrolmentExchange } from './enrolment-exchange.js';
import { makeIdentity } from './make-identity.js';
import type { HomeIdentity } from './peer-home.js';
import { pinAuthority } from './pin-authority.js';

/** What a recovery proof speaks about: it is good for this trust domain and this identity only. */
export interface CredentialContext {
  readonly trustDomain: string;
  readonly csrDer: Uint8Array;
}

export interface EnrolPeerOptions {
  readonly joinLink: string;
  /** One DNS label. */
  readonly name: string;
  readonly credential: EnrolmentCredential | ((context: CredentialContext) => EnrolmentCredential) | ApprovalWay;
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
 * (enrolment_key_invalid, recovery_proof_invalid, enrolment_refused, …)
 */
export async function enrolPeer(options: EnrolPeerOptions): Promise<EnrolledPeer> {
  const link = parseJoinLink(options.joinLink);
  const authority = await pinAuthority(link);
  const { privateKeyPem, csrDer } = await makeIdentity();
  const exchange = new EnrolmentExchange(link, authority, options.signal);
  const machine = { trustDomain: authority.trustDomain, csrDer, privateKeyPem };
  const answer = await askBroker(exchange, options, machine).finally(() => exchange.close());
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
  exchange: EnrolmentExchange,
  { name, credential, signal }: EnrolPeerOptions,
  { privateKeyPem, ...context }: CredentialContext & { readonly privateKeyPem: string },
): Promise<EnrolAnswer> {
  const csr = encodeBase64url(context.csrDer);
  const shown = typeof credential === 'function' ? credential(context) : credential;
  if (shown.kind === 'approval') {
    const spki = createPublicKey(privateKeyPem).export({ format: 'der', type: 'spki' });
    return enrolByApproval(exchange, { name, csr, fingerprint: keyFingerprint(spki) }, shown, signal);
  }
  const request: EnrolRequest = { name, csr, credential: shown };
  return exchange.post('/v1/enrolments', request, enrolAnswer);
}
