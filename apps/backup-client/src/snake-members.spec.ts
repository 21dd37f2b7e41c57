// Members of JSON in snake_case: all of them, at every depth, and nothing but their names.
import { expect, it } from 'vitest';
import { snakeMembers } from './snake-members.js';

it('names members at every depth, and leaves values as they are', () => {
  const answer = { peerId: 'aB', stateChange: { at: null, by: 'someOne' }, list: [{ dueAt: 1 }, 'xY', true], name: '' };
  expect(snakeMembers(answer)).toEqual({
    peer_id: 'aB',
    state_change: { at: null, by: 'someOne' },
    list: [{ due_at: 1 }, 'xY', true],
    name: '',
  });
});
