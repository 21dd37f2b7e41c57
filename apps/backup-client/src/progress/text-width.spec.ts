// What is cut to fit a terminal fits it, whatever the script, and is never cut inside a character.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable } from '../format.js';
import { cutEnd, cutMiddle, widthOf } from './text-width.js';

describe('the width of a text', () => {
  it.each<[string, string, number]>([
    ['ASCII', 'abc', 3],
    ['Han', '漢字', 4],
    ['Hangul', '한글', 4],
    ['full-width Latin', 'ＡＢ', 4],
    ['half-width Katakana', 'ｱｲ', 2],
    ['a letter and a combining mark', 'e\u0301', 1],
    ['a mark alone', '\u0301', 0],
    ['an emoji', '😀', 2],
    ['Cyrillic', 'жук', 3],
  ])('of %s', (_what, text, width) => {
    expect(widthOf(text)).toBe(width);
  });
});

describe('a text that is cut', () => {
  it('stays whole where it fits', () => {
    expect([cutEnd('abc', 3), cutMiddle('abc', 3)]).toEqual(['abc', 'abc']);
  });

  it('shows that something is missing', () => {
    expect(cutEnd('0123456789', 5)).toBe('0123…');
    expect(cutMiddle('/home/me/folder/file.txt', 16)).toBe('/ho…der/file.txt');
  });

  it('never breaks a wide character in two', () => {
    expect(cutEnd('漢字漢字', 6)).toBe('漢字…');
    expect(cutMiddle('漢字漢字漢字', 6)).toBe('…漢字');
  });

  it('fits any width, for any name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 0, max: 60 }), (name, columns) => {
        const text = printable(name);
        expect(widthOf(cutEnd(text, columns))).toBeLessThanOrEqual(columns);
        expect(widthOf(cutMiddle(text, columns))).toBeLessThanOrEqual(columns);
      }),
    );
  });
});
