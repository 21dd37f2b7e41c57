// Codes that people read and type (RFC 8628 §6.1).
import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { userCodeField } from '#protocol';
import { makeUserCode, parseUserCode } from './user-code.js';

describe('user codes', () => {
  it('are eight letters that make no word, each equally likely', () => {
    const asked: number[] = [];
    const code = makeUserCode((count) => {
      asked.push(count);
      return asked.length - 1;
    });
    expect(code).toBe('BCDF-GHJK');
    expect(asked).toEqual(Array(8).fill(20));
    for (let i = 0; i < 100; i++) {
      const drawn = makeUserCode(randomInt);
      expect(userCodeField.safeParse(drawn).success).toBe(true);
      expect(parseUserCode(drawn)).toBe(drawn);
    }
  });

  it.each([
    ['WDJB-MJHT', 'WDJB-MJHT'],
    ['wdjb-mjht', 'WDJB-MJHT'],
    [' wdjbmjht\n', 'WDJB-MJHT'],
    ['WD JB MJ HT', 'WDJB-MJHT'],
    ['WDJB-MJH', null],
    ['WDJB-MJHTT', null],
    ['WDJB-MJHA', null],
    ['WDJB-MJH1', null],
    ['WDJB_MJHT', null],
    ['', null],
  ])('%j is meant as %s', (typed, code) => {
    expect(parseUserCode(typed)).toBe(code);
  });
});
