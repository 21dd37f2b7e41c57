// Makes a folder the home of a new peer, for every command that may be the first on a machine.
import { type EnrolmentCredential, enrolmentKeyField, ProtocolError, peerNameField } from '#protocol';
import { nameOfMachine } from './default-home.js';
import { type EnrolPeerOptions, enrolPeer } from './enrol-peer.js';
import { PeerHome } from './peer-home.js';

export interface EnrolHereOptions {
  readonly homePath: string;
  readonly joinLink: string;
  readonly name: string | undefined;
  readonly credential: EnrolPeerOptions['credential'];
  readonly signal?: AbortSignal;
}

/** throws usage (name), home_exists, and what enrolPeer throws */
export async function enrolHere(options: EnrolHereOptions): Promise<PeerHome> {
  const { homePath, name: wanted = nameOfMachine(), ...enrolment } = options;
  const name = peerNameField.safeParse(wanted);
  if (!name.success) {
    throw new ProtocolError('usage', {}, { detail: '--name takes lower-case letters, digits and hyphens' });
  }
  return PeerHome.create(homePath, await enrolPeer({ ...enrolment, name: name.data }));
}

/** throws enrolment_credential_missing | enrolment_key_invalid */
export function keyCredential(key: string | undefined): EnrolmentCredential {
  if (key === undefined) throw new ProtocolError('enrolment_credential_missing');
  if (!enrolmentKeyField.safeParse(key).success) throw new ProtocolError('enrolment_key_invalid');
  return { kind: 'enrolment-key', key };
}
