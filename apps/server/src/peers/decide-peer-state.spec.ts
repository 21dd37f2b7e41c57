// The states of a peer: active <-> suspended, revoked for good, and each action twice as good as once.
import { describe, expect, it } from 'vitest';
import { decidePeerState } from './decide-peer-state.js';

describe('decidePeerState', () => {
  it.each([
    ['active', 'suspend', 'suspended', true],
    ['active', 'resume', 'active', false],
    ['active', 'revoke', 'revoked', true],
    ['suspended', 'suspend', 'suspended', false],
    ['suspended', 'resume', 'active', true],
    ['suspended', 'revoke', 'revoked', true],
    ['revoked', 'revoke', 'revoked', false],
  ] as const)('%s + %s = %s', (state, action, next, changes) => {
    expect(decidePeerState(state, action)).toEqual({ ok: true, state: next, changes });
  });

  it.each(['suspend', 'resume'] as const)('a revoked peer cannot be brought back: %s', (action) => {
    expect(decidePeerState('revoked', action)).toEqual({ ok: false, code: 'peer_revoked' });
  });
});
