// `peerkeep-agent enrol JOIN_LINK`: makes this machine a peer that donates disk.
import { type EnrolmentKeySources, enrolHere, keyOrApproval, PeerHome, readHomeKey } from '#peer-home';
import type { Clock } from '#process';
import { formatSize } from './size-text.js';

export interface EnrolOptions extends EnrolmentKeySources {
  readonly joinLink: string;
  readonly homePath: string;
  readonly shareBytes: number;
  readonly name: string | undefined;
  readonly clock: Clock;
  /** Shows one line of talk to the person at the terminal. */
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Enrol, by an enrolment key or by a person's approval, or only set the share when this home is a peer's already (its
 * owner used the client first).
 *
 * returns  what to tell the person
 * throws   usage | enrolment_key_invalid | enrolment_refused | enrolment_expired | interrupted, and what enrolPeer throws
 */
export async function enrol(options: EnrolOptions): Promise<string> {
  const { homePath, shareBytes } = options;
  const isPeer = await PeerHome.exists(homePath);
  const home = isPeer ? await PeerHome.open(homePath, await readHomeKey(options.environment)) : await enrolNew(options);
  await home.setShare(shareBytes);
  const { peerId, name } = home.identity;
  return `${isPeer ? 'already enrolled' : 'enrolled'} as ${name} (${peerId}), sharing ${formatSize(shareBytes)}`;
}

async function enrolNew({ clock, say, ...options }: EnrolOptions): Promise<PeerHome> {
  const { homePath, joinLink, name, signal, environment } = options;
  const homeKey = await readHomeKey(environment);
  const credential = await keyOrApproval(options, { purpose: 'host', program: 'peerkeep-agent', clock, say });
  return enrolHere({ homePath, joinLink, name, credential, homeKey, signal });
}
