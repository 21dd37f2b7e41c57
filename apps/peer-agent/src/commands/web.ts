// `peerkeep-agent web sign-in`: a link that signs the owner of this home in to the pages of the running agent.
import { type HomeKey, PeerHome } from '#peer-home';
import type { Clock } from '#process';
import { ProtocolError } from '#protocol';
import { SignInCodes } from '../web/sign-in-code.js';

export interface SignInOptions {
  readonly homePath: string;
  readonly homeKey: HomeKey | null;
  /** The link leads through a relay, not to this machine. */
  readonly isVisit: boolean;
  readonly clock: Clock;
}

/** throws home_missing | home_corrupt | secret_file_exposed | usage where there are no such pages */
export async function signInLink({ homePath, homeKey, isVisit, clock }: SignInOptions): Promise<string> {
  const home = await PeerHome.open(homePath, homeKey);
  const codes = new SignInCodes(home.path);
  const origin = isVisit ? visitOrigin(home) : await codes.origin();
  if (origin === null) {
    const detail = isVisit
      ? 'this network has no name for this machine yet: is the agent running, and has the operator a relay domain?'
      : 'no agent runs in this home with --web 127.0.0.1:PORT';
    throw new ProtocolError('usage', {}, { detail });
  }
  return `${origin}/sign-in#${await codes.issue(clock.nowMs())}`;
}

function visitOrigin({ network }: PeerHome): string | null {
  const { publicName = null, relayDomain = null } = network.load() ?? {};
  return publicName === null || relayDomain === null ? null : `https://${publicName}.${relayDomain}`;
}
