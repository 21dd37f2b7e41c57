// What a peer of each state may do. Pure.
import type { PeerState } from '#protocol';
import type { PeerEntity } from './peer.entity.js';

interface Rights {
  /** Its messages are answered, and tokens are issued to it. */
  readonly mayAsk: boolean;
  /** Tokens are issued for it: others put, get and audit there. */
  readonly mayHost: boolean;
  readonly takesNewShards: boolean;
}

const RIGHTS: Readonly<Record<PeerState, Rights>> = {
  vetting: { mayAsk: true, mayHost: true, takesNewShards: true },
  active: { mayAsk: true, mayHost: true, takesNewShards: true },
  leaving: { mayAsk: true, mayHost: true, takesNewShards: false },
  // It hosts nothing any more; its owner's own backups are there as before.
  gone: { mayAsk: true, mayHost: false, takesNewShards: false },
  suspended: { mayAsk: false, mayHost: false, takesNewShards: false },
  revoked: { mayAsk: false, mayHost: false, takesNewShards: false },
};

export const HOSTING_STATES = (Object.keys(RIGHTS) as PeerState[]).filter((state) => RIGHTS[state].mayHost);

/**
 * A host that failed its audits is no host any more, and whoever has a failing disk needs the own backups the more: it
 * asks as before. An operator's suspension shuts it out.
 */
export function mayAsk({ state, stateCode }: Pick<PeerEntity, 'state' | 'stateCode'>): boolean {
  return RIGHTS[state].mayAsk || (state === 'suspended' && stateCode === 'audits_failed');
}

export function mayHost(state: PeerState): boolean {
  return RIGHTS[state].mayHost;
}

export function takesNewShards(state: PeerState): boolean {
  return RIGHTS[state].takesNewShards;
}
