// Makes a folder the home of a new peer; `init` and `recover` share it.
import { type EnrolPeerOptions, enrolPeer, nameOfMachine, PeerHome } from '#peer-home';
import { type EnrolmentCredential, enrolmentKeyField, ProtocolError, peerNameField } from '#protocol';

export interface EnrolHereOptions {
  readonly homePath: string;
  readonly joinLink: string;
  readonly name: string | undefined;
  readonly credential: EnrolPeerOptions['credential'];
  readonly signal: AbortSignal;
}

/** throws usage (name), home_exists, and what enrolPeer throws */
export async function enrolHere(options: EnrolHereOptions): Promise<PeerHome> {
  const { homePath, joinLink, credential, signal } = options;
  const name = peerNameField.safeParse(options.name ?? nameOfMachine());
  if (!name.success) {
    throw new ProtocolError('usage', {}, { detail: '--name takes lower-case letters, digits and hyphens' });
  }
  return PeerHome.create(homePath, await enrolPeer({ joinLink, name: name.data, credential, signal }));
}

/** throws enrolment_credential_missing | enrolment_key_invalid */
export function keyCredential(key: string | undefined): EnrolmentCredential {
  if (key === undefined) throw new ProtocolError('enrolment_credential_missing');
  if (!enrolmentKeyField.safeParse(key).success) throw new ProtocolError('enrolment_key_invalid');
  return { kind: 'enrolment-key', key };
}
