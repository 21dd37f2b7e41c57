// `peerkeep-relay enrol JOIN_LINK`: makes this machine a relay, by a key that an operator made for relays.
import { enrolHere, keyCredential, PeerHome, readEnrolmentKey, readHomeKey } from '#peer-home';
import { ProtocolError } from '#protocol';

export interface EnrolOptions {
  readonly joinLink: string;
  readonly homePath: string;
  readonly key?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly name: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Enrol; a home that is enrolled already stays as it is.
 *
 * returns  what to tell the person
 * throws   usage | enrolment_key_invalid, and what enrolPeer throws
 */
export async function enrol(options: EnrolOptions): Promise<string> {
  const { homePath, environment } = options;
  const homeKey = await readHomeKey(environment);
  const isPeer = await PeerHome.exists(homePath);
  const home = isPeer ? await PeerHome.open(homePath, homeKey) : await enrolNew(options, homeKey);
  const { peerId, name } = home.identity;
  return `${isPeer ? 'already enrolled' : 'enrolled'} as ${name} (${peerId})`;
}

async function enrolNew(
  { joinLink, homePath, name, ...sources }: EnrolOptions,
  homeKey: Awaited<ReturnType<typeof readHomeKey>>,
): Promise<PeerHome> {
  const key = await readEnrolmentKey(sources);
  if (key === null) {
    const detail = 'a relay is enrolled by an enrolment key for relays: --key, --key-file or PEERKEEP_ENROLMENT_KEY';
    throw new ProtocolError('usage', {}, { detail });
  }
  return enrolHere({ homePath, joinLink, name, credential: keyCredential(key), homeKey });
}
