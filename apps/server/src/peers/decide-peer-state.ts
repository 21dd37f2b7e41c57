// What becomes of a peer that somebody suspends, resumes or revokes. Pure.
import type { ErrorCode, PeerState } from '#protocol';

export type PeerAction = 'suspend' | 'resume' | 'revoke';

/** active <-> suspended; from either to revoked, which is final: its keys are destroyed. */
const NEXT: Readonly<Record<PeerState, Readonly<Record<PeerAction, PeerState | null>>>> = {
  active: { suspend: 'suspended', resume: 'active', revoke: 'revoked' },
  suspended: { suspend: 'suspended', resume: 'active', revoke: 'revoked' },
  revoked: { suspend: null, resume: null, revoke: 'revoked' },
};

export type PeerStateDecision =
  | { readonly ok: true; readonly state: PeerState; readonly changes: boolean }
  | { readonly ok: false; readonly code: ErrorCode };

/** The same action again changes nothing: neither the time nor the reason of the first. */
export function decidePeerState(state: PeerState, action: PeerAction): PeerStateDecision {
  const next = NEXT[state][action];
  return next === null ? { ok: false, code: 'peer_revoked' } : { ok: true, state: next, changes: next !== state };
}
