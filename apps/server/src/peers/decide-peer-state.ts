// What becomes of a peer that somebody suspends, resumes or revokes, that ends its probation, or that leaves. Pure.
import type { ErrorCode, PeerState } from '#protocol';

/**
 * suspend, resume, revoke   by people, and by the broker
 * vet                       its probation ended
 * leave, finish             it is to hold nothing any more; it holds nothing any more
 */
export type PeerAction = 'suspend' | 'resume' | 'revoke' | 'vet' | 'leave' | 'finish';

/** `back`: as it was on probation or not; a code: refused. */
type Next = PeerState | 'back' | Extract<ErrorCode, 'peer_revoked' | 'peer_suspended'>;

/** Revoked is final: its keys are destroyed. Everything else can be undone, by `resume`. */
const NEXT: Readonly<Record<PeerState, Readonly<Record<PeerAction, Next>>>> = {
  vetting: {
    suspend: 'suspended',
    resume: 'vetting',
    revoke: 'revoked',
    vet: 'active',
    leave: 'leaving',
    finish: 'vetting',
  },
  active: {
    suspend: 'suspended',
    resume: 'active',
    revoke: 'revoked',
    vet: 'active',
    leave: 'leaving',
    finish: 'active',
  },
  leaving: {
    suspend: 'suspended',
    resume: 'back',
    revoke: 'revoked',
    vet: 'leaving',
    leave: 'leaving',
    finish: 'gone',
  },
  // It would host again while it leaves.
  suspended: {
    suspend: 'suspended',
    resume: 'back',
    revoke: 'revoked',
    vet: 'suspended',
    leave: 'peer_suspended',
    finish: 'suspended',
  },
  // What it showed once it shows anew.
  gone: { suspend: 'suspended', resume: 'vetting', revoke: 'revoked', vet: 'gone', leave: 'gone', finish: 'gone' },
  revoked: {
    suspend: 'peer_revoked',
    resume: 'peer_revoked',
    revoke: 'revoked',
    vet: 'peer_revoked',
    leave: 'peer_revoked',
    finish: 'peer_revoked',
  },
};

export type PeerStateDecision =
  | { readonly ok: true; readonly state: PeerState; readonly changes: boolean; readonly isVetted: boolean }
  | { readonly ok: false; readonly code: ErrorCode };

/**
 * The same action again changes nothing: neither the time nor the reason of the first.
 *
 * isVetted   its probation has ended before; in the answer, whether it has then
 */
export function decidePeerState(
  { state, isVetted }: { readonly state: PeerState; readonly isVetted: boolean },
  action: PeerAction,
): PeerStateDecision {
  const next = NEXT[state][action];
  if (next === 'peer_revoked' || next === 'peer_suspended') return { ok: false, code: next };
  const becomes = next === 'back' ? (isVetted ? 'active' : 'vetting') : next;
  const isVettedThen = becomes === 'active' || (isVetted && becomes !== 'gone' && state !== 'gone');
  return { ok: true, state: becomes, changes: becomes !== state, isVetted: isVettedThen };
}
