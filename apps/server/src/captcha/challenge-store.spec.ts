// B2: a challenge is taken once, in time, for its own form; the store refuses at its bounds and throws nobody out.

import { describe, expect, it } from 'vitest';
import { FakeClock } from '#process';
import { isRefusal } from '#protocol';
import { ChallengeStore } from './challenge-store.js';

const LIFE_MS = 300_000;
const HERE = '192.0.2.1';
const codeOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (isRefusal(error)) return error.code;
    throw error;
  }
  return 'taken';
};

function setUp(openMax?: number, openPerNetworkMax?: number): { clock: FakeClock; store: ChallengeStore<string> } {
  const clock = new FakeClock(1_800_000_000_000);
  return { clock, store: new ChallengeStore<string>(clock, LIFE_MS, openMax, openPerNetworkMax) };
}

describe('ChallengeStore (B2)', () => {
  it('gives the secret of a challenge once', () => {
    const { store } = setUp();
    const id = store.add('register', 'secret', HERE);
    expect(store.find(id)).toBe('secret');
    expect(store.take(id, 'register')).toBe('secret');
    expect(store.take(id, 'register')).toBeNull();
    expect(store.find(id)).toBeNull();
  });

  it('uses a challenge up that is tried with another form', () => {
    const { store } = setUp();
    const id = store.add('register', 'secret', HERE);
    expect(store.take(id, 'sign-in')).toBeNull();
    expect(store.take(id, 'register')).toBeNull();
  });

  it('lets a challenge live to the last millisecond and no longer', () => {
    const { clock, store } = setUp();
    const [first, second] = [store.add('register', 'one', HERE), store.add('register', 'two', HERE)];
    clock.advance(LIFE_MS - 1);
    expect(store.take(first, 'register')).toBe('one');
    clock.advance(1);
    expect(store.find(second)).toBeNull();
    expect(store.take(second, 'register')).toBeNull();
  });

  it('does not let a wall clock that goes back revive one', () => {
    const { clock, store } = setUp();
    const id = store.add('register', 'secret', HERE);
    clock.advance(LIFE_MS);
    clock.setWallMs(1_800_000_000_000);
    expect(store.take(id, 'register')).toBeNull();
  });

  it('refuses when it is full, keeps the live ones, and has room again when they are used or expired', () => {
    const { clock, store } = setUp(2);
    const id = store.add('register', 'one', '192.0.2.1');
    store.add('register', 'two', '192.0.2.2');
    expect(codeOf(() => store.add('register', 'three', '192.0.2.3'))).toBe('overloaded');
    expect(store.take(id, 'register')).toBe('one');
    expect(codeOf(() => store.add('register', 'three', '192.0.2.3'))).toBe('taken');
    expect(codeOf(() => store.add('register', 'four', '192.0.2.4'))).toBe('overloaded');
    clock.advance(LIFE_MS);
    expect(codeOf(() => store.add('register', 'four', '192.0.2.4'))).toBe('taken');
  });

  it('is full for the one network that holds too many, and not for others', () => {
    const { clock, store } = setUp(100, 2);
    const id = store.add('register', 'one', '2001:db8::1');
    store.add('register', 'two', '2001:db8::2');
    expect(codeOf(() => store.add('register', 'three', '2001:db8::3'))).toBe('rate_exceeded');
    expect(codeOf(() => store.add('register', 'three', '2001:db8:0:1::3'))).toBe('taken');
    store.take(id, 'sign-in');
    expect(codeOf(() => store.add('register', 'four', '2001:db8::4'))).toBe('taken');
    clock.advance(LIFE_MS);
    store.add('register', 'five', '2001:db8::5');
    expect(codeOf(() => store.add('register', 'six', '2001:db8::6'))).toBe('taken');
  });

  it('is full for an IPv6 site that asks from many networks, and not for others', () => {
    const clock = new FakeClock(0);
    const store = new ChallengeStore<string>(clock, LIFE_MS, 100, 2, 3);
    const ids = [0, 1, 2].map((i) => store.add('register', 'one', `2001:db8:0:${i}::1`));
    expect(codeOf(() => store.add('register', 'two', '2001:db8:0:3::1'))).toBe('rate_exceeded');
    expect(codeOf(() => store.add('register', 'two', '2001:db8:1:3::1'))).toBe('taken');
    for (let i = 0; i < 2; i++) store.add('register', 'two', HERE);
    expect(codeOf(() => store.add('register', 'two', HERE))).toBe('rate_exceeded');
    store.take(ids[0]!, 'register');
    expect(codeOf(() => store.add('register', 'two', '2001:db8:0:3::1'))).toBe('taken');
    clock.advance(LIFE_MS);
    for (const i of [4, 5, 6]) store.add('register', 'three', `2001:db8:0:${i}::1`);
  });

  it('makes ids of 128 random bits', () => {
    const { store } = setUp();
    const ids = Array.from({ length: 100 }, () => store.add('register', 'same', HERE));
    expect(new Set(ids).size).toBe(100);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{22}$/);
  });
});
