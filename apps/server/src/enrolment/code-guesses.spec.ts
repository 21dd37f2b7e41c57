// Guessing user codes leads nowhere (RFC 8628 §5.1).
import { describe, expect, it } from 'vitest';
import { isRefusal } from '#protocol';
import {
  CODE_GUESSES_PER_ACCOUNT_MAX,
  CODE_GUESSES_PER_NETWORK_MAX,
  CODE_GUESSES_PER_SESSION_MAX,
  CODE_LOCK_OUT_MS,
} from '../limits.js';
import { CodeGuesses, type Guesser } from './code-guesses.js';

const guesser = (session: string, network = '192.0.2.1', accountId = `of ${session}`): Guesser => ({
  session,
  accountId,
  network,
});

function outcome(act: () => void): string {
  try {
    act();
  } catch (error) {
    if (isRefusal(error)) return error.code;
    throw error;
  }
  return 'taken';
}

describe('guesses of user codes', () => {
  it('are bounded for a session, and free again after the lock-out', () => {
    const guesses = new CodeGuesses();
    for (let i = 0; i < CODE_GUESSES_PER_SESSION_MAX; i++) guesses.claim(guesser('a'), i);
    expect(outcome(() => guesses.claim(guesser('a'), CODE_LOCK_OUT_MS - 1))).toBe('rate_exceeded');
    expect(outcome(() => guesses.claim(guesser('b'), CODE_LOCK_OUT_MS - 1))).toBe('taken');
    expect(outcome(() => guesses.claim(guesser('a'), CODE_LOCK_OUT_MS))).toBe('taken');
  });

  it('are bounded for a network, however many sessions it has', () => {
    const guesses = new CodeGuesses();
    for (let i = 0; i < CODE_GUESSES_PER_NETWORK_MAX; i++) guesses.claim(guesser(`s${i}`), 0);
    expect(outcome(() => guesses.claim(guesser('fresh'), 0))).toBe('rate_exceeded');
    expect(outcome(() => guesses.claim(guesser('fresh', '192.0.2.2'), 0))).toBe('taken');
  });

  it('are bounded for an account, however many sessions and networks it has', () => {
    const guesses = new CodeGuesses();
    for (let i = 0; i < CODE_GUESSES_PER_ACCOUNT_MAX; i++) guesses.claim(guesser(`s${i}`, `n${i}`, 'ada'), i);
    expect(outcome(() => guesses.claim(guesser('fresh', 'new', 'ada'), CODE_LOCK_OUT_MS - 1))).toBe('rate_exceeded');
    expect(outcome(() => guesses.claim(guesser('fresh', 'new', 'bea'), CODE_LOCK_OUT_MS - 1))).toBe('taken');
    expect(outcome(() => guesses.claim(guesser('fresh', 'new', 'ada'), CODE_LOCK_OUT_MS))).toBe('taken');
  });

  it('do not count when they were right', () => {
    const guesses = new CodeGuesses();
    for (let i = 0; i < 2 * CODE_GUESSES_PER_NETWORK_MAX; i++) {
      guesses.claim(guesser('a'), 0);
      guesses.forgive(guesser('a'), 0);
    }
    expect(outcome(() => guesses.claim(guesser('a'), 0))).toBe('taken');
  });
});
