// `peerkeep-agent enrol JOIN_LINK`: makes this machine a peer that donates disk.
import { enrolHere, keyCredential, PeerHome } from '#peer-home';
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
  const { homePath, joinLink, shareBytes, key, name: wanted } = options;
  const isPeer = await PeerHome.exists(homePath);
  const home = isPeer
    ? await PeerHome.open(homePath)
    : await enrolHere({ homePath, joinLink, name: wanted, credential: keyCredential(key) });
  await home.setShare(shareBytes);
  const { peerId, name } = home.identity;
  return `${isPeer ? 'already enrolled' : 'enrolled'} as ${name} (${peerId}), sharing ${formatSize(shareBytes)}`;
}
