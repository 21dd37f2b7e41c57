// `peerkeep-agent enrol JOIN_LINK`: makes this machine a peer that donates disk.
import { hostname } from 'node:os';
import { enrolPeer, PeerHome } from '#peer-home';
import { enrolmentKeyField, PEER_NAME_CHARS_MAX, ProtocolError, peerNameField } from '#protocol';
import { formatSize } from './size-text.js';

export interface EnrolOptions {
  readonly joinLink: string;
  readonly homePath: string;
  readonly shareBytes: number;
  readonly key: string | undefined;
  readonly name: string | undefined;
}

/**
 * Enrol, or only set the share when this home is a peer's already (its owner used the client first).
 *
 * returns  what to tell the person
 * throws   usage | enrolment_credential_missing | enrolment_key_invalid, and what enrolPeer throws
 */
export async function enrol(options: EnrolOptions): Promise<string> {
  const { homePath, shareBytes } = options;
  const isPeer = await PeerHome.exists(homePath);
  const home = isPeer ? await PeerHome.open(homePath) : await enrolHere(options);
  await home.setShare(shareBytes);
  const { peerId, name } = home.identity;
  return `${isPeer ? 'already enrolled' : 'enrolled'} as ${name} (${peerId}), sharing ${formatSize(shareBytes)}`;
}

async function enrolHere({ joinLink, homePath, key, name }: EnrolOptions): Promise<PeerHome> {
  if (key === undefined) throw new ProtocolError('enrolment_credential_missing');
  if (!enrolmentKeyField.safeParse(key).success) throw new ProtocolError('enrolment_key_invalid');
  const peerName = peerNameField.safeParse(name ?? nameOfMachine());
  if (!peerName.success) {
    throw new ProtocolError('usage', {}, { detail: '--name takes lower-case letters, digits and hyphens' });
  }
  const enrolled = await enrolPeer({
    joinLink,
    name: peerName.data,
    credential: { kind: 'enrolment-key', key },
  });
  return PeerHome.create(homePath, enrolled);
}

/** The first label of the host name, with what a peer name may not hold replaced. */
function nameOfMachine(): string {
  const label = hostname().split('.')[0]!.toLowerCase();
  const name = label.replaceAll(/[^a-z0-9-]/g, '-').slice(0, PEER_NAME_CHARS_MAX);
  return name.replaceAll(/^-+|-+$/g, '') || 'peer';
}
