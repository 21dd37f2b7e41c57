// The states of a peer: on probation, active, leaving, gone, suspended, revoked for good; each action twice as good as once.
import { describe, expect, it } from 'vitest';
import type { PeerState } from '#protocol';
import { decidePeerState, type PeerAction } from './decide-peer-state.js';

describe('decidePeerState', () => {
  it.each([
    // state, had its probation ended, action, next, had it then
    ['vetting', false, 'vet', 'active', true],
    ['vetting', false, 'suspend', 'suspended', false],
    ['vetting', false, 'resume', 'vetting', false],
    ['vetting', false, 'leave', 'leaving', false],
    ['vetting', false, 'finish', 'vetting', false],
    ['active', true, 'suspend', 'suspended', true],
    ['active', true, 'resume', 'active', true],
    ['active', true, 'revoke', 'revoked', true],
    ['active', true, 'vet', 'active', true],
    ['active', true, 'leave', 'leaving', true],
    ['active', true, 'finish', 'active', true],
    ['leaving', true, 'leave', 'leaving', true],
    ['leaving', true, 'resume', 'active', true],
    ['leaving', false, 'resume', 'vetting', false],
    ['leaving', true, 'finish', 'gone', false],
    ['leaving', false, 'vet', 'leaving', false],
    ['suspended', true, 'suspend', 'suspended', true],
    ['suspended', true, 'resume', 'active', true],
    ['suspended', false, 'resume', 'vetting', false],
    ['suspended', false, 'vet', 'suspended', false],
    ['suspended', true, 'revoke', 'revoked', true],
    ['gone', false, 'resume', 'vetting', false],
    ['gone', false, 'leave', 'gone', false],
    ['revoked', true, 'revoke', 'revoked', true],
  ] as const)('%s (vetted: %s) + %s = %s', (state, isVetted, action, next, isVettedThen) => {
    expect(decidePeerState({ state, isVetted }, action)).toEqual({
      ok: true,
      state: next,
      changes: next !== state,
      isVetted: isVettedThen,
    });
  });

  it.each(['suspend', 'resume', 'vet', 'leave', 'finish'] as const)(
    'a revoked peer cannot be brought back: %s',
    (action) => {
      expect(decidePeerState({ state: 'revoked', isVetted: true }, action)).toEqual({
        ok: false,
        code: 'peer_revoked',
      });
    },
  );

  it('a suspended peer does not get out of it by leaving', () => {
    expect(decidePeerState({ state: 'suspended', isVetted: true }, 'leave')).toEqual({
      ok: false,
      code: 'peer_suspended',
    });
  });

  it('whatever happened but a revocation can be undone by resuming', () => {
    const states: PeerState[] = ['vetting', 'active', 'leaving', 'suspended', 'gone'];
    const actions: PeerAction[] = ['suspend', 'vet', 'leave', 'finish', 'resume'];
    for (const state of states) {
      for (const action of actions) {
        const after = decidePeerState({ state, isVetted: state === 'active' }, action);
        if (!after.ok) continue;
        const undone = decidePeerState(after, 'resume');
        expect(undone.ok && ['vetting', 'active'].includes(undone.state)).toBe(true);
      }
    }
  });
});
