// A message is taken once for as long as its time would let it in.

import { describe, expect, it } from 'vitest';
import { CLOCK_SKEW_MS_MAX, isRefusal, type PeerId } from '#protocol';
import { NonceList } from './nonce-list.js';

const START_MS = 1_800_000_000_000;
const message = (
  nonce: string,
  createdMs = START_MS,
  peerId = 'p',
): { peerId: PeerId; nonce: string; createdMs: number } => ({
  peerId: peerId as PeerId,
  nonce,
  createdMs,
});
const codeOf = (act: () => void): string => {
  try {
    act();
  } catch (error) {
    if (isRefusal(error)) return error.code;
    throw error;
  }
  return 'taken';
};

describe('NonceList', () => {
  it('takes a message once, and the same nonce from another peer', () => {
    const list = new NonceList();
    expect(codeOf(() => list.claim(message('n'), START_MS))).toBe('taken');
    expect(codeOf(() => list.claim(message('n'), START_MS))).toBe('message_replayed');
    expect(codeOf(() => list.claim(message('n', START_MS, 'q'), START_MS))).toBe('taken');
  });

  it('remembers for as long as the skew check would let the message in', () => {
    const list = new NonceList();
    list.claim(message('n'), START_MS - CLOCK_SKEW_MS_MAX);
    expect(codeOf(() => list.claim(message('n'), START_MS + CLOCK_SKEW_MS_MAX))).toBe('message_replayed');
  });

  it('refuses what it has forgotten when the clock goes back', () => {
    const list = new NonceList();
    list.claim(message('n'), START_MS);
    list.claim(message('later', START_MS + 3 * CLOCK_SKEW_MS_MAX), START_MS + 3 * CLOCK_SKEW_MS_MAX);
    expect(codeOf(() => list.claim(message('n'), START_MS))).toBe('message_stale');
  });

  it('refuses when it is full, forgets nothing early, and has room again later', () => {
    const list = new NonceList(2);
    list.claim(message('a'), START_MS);
    list.claim(message('b'), START_MS);
    expect(codeOf(() => list.claim(message('c'), START_MS))).toBe('nonce_list_full');
    expect(codeOf(() => list.claim(message('a'), START_MS))).toBe('message_replayed');
    const laterMs = START_MS + 2 * CLOCK_SKEW_MS_MAX;
    expect(codeOf(() => list.claim(message('c', laterMs), laterMs))).toBe('taken');
  });

  it('is full for the one peer that fills its part, and not for the others', () => {
    const list = new NonceList(100, 2);
    list.claim(message('a'), START_MS);
    list.claim(message('b', START_MS + CLOCK_SKEW_MS_MAX), START_MS);
    expect(codeOf(() => list.claim(message('c'), START_MS))).toBe('nonce_list_full');
    expect(codeOf(() => list.claim(message('a'), START_MS))).toBe('message_replayed');
    expect(codeOf(() => list.claim(message('c', START_MS, 'q'), START_MS))).toBe('taken');
    const laterMs = START_MS + 2 * CLOCK_SKEW_MS_MAX;
    // Only the one of the two that has been forgotten makes room.
    expect(codeOf(() => list.claim(message('c', laterMs), laterMs))).toBe('taken');
    expect(codeOf(() => list.claim(message('d', laterMs), laterMs))).toBe('nonce_list_full');
  });
});
