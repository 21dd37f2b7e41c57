// The recovery phrase: published vectors, what people type, and what must be refused.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeHex, isRefusal } from '#protocol';
import { masterKeyFromPhrase, phraseFromMasterKey } from './recovery-phrase.js';

const LEGAL =
  'legal winner thank year wave sausage worth useful legal winner thank year ' +
  'wave sausage worth useful legal winner thank year wave sausage worth title';
const LEGAL_KEY = '7f'.repeat(32);

function codeOf(text: string): unknown {
  try {
    masterKeyFromPhrase(text);
  } catch (error) {
    return isRefusal(error) ? { code: error.code, ...error.facts } : error;
  }
  return 'accepted';
}

describe('recovery phrase', () => {
  // The 256-bit vectors of the BIP 39 reference implementation (trezor/python-mnemonic vectors.json).
  it.each([
    ['00'.repeat(32), `${'abandon '.repeat(23)}art`],
    [LEGAL_KEY, LEGAL],
    ['ff'.repeat(32), `${'zoo '.repeat(23)}vote`],
  ])('matches the published vector of %s', (hex, phrase) => {
    expect(phraseFromMasterKey(Buffer.from(hex, 'hex'))).toBe(phrase);
    expect(encodeHex(masterKeyFromPhrase(phrase))).toBe(hex);
  });

  it('gives back every key', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
        expect(encodeHex(masterKeyFromPhrase(phraseFromMasterKey(key)))).toBe(encodeHex(key));
      }),
      { numRuns: 50 },
    );
  });

  const words = LEGAL.split(' ');
  it.each([
    ['upper case', LEGAL.toUpperCase()],
    ['spaces, tabs and line breaks', `\n  ${words.join(' \t\r\n ')}  \n`],
    ['"1. word" on lines', words.map((word, i) => `${i + 1}. ${word}`).join('\n')],
    ['"1.word" and "1) word"', words.map((word, i) => (i % 2 ? `${i + 1}.${word}` : `${i + 1}) ${word}`)).join(' ')],
    ['"1 word"', words.map((word, i) => `${i + 1} ${word}`).join(' ')],
  ])('reads %s', (_, text) => {
    expect(encodeHex(masterKeyFromPhrase(text))).toBe(LEGAL_KEY);
  });

  it.each([
    ['nothing', '', { words: 0 }],
    ['23 words', words.slice(0, 23).join(' '), { words: 23 }],
    [
      'a valid phrase of 12 words',
      'legal winner thank year wave sausage worth useful legal winner thank yellow',
      { words: 12 },
    ],
    ['two words changed over', [words[1], words[0], ...words.slice(2)].join(' '), { words: 24 }],
    ['a misspelt word, by its place', LEGAL.replace('sausage', 'sossage'), { words: 24, unknownWord: 6 }],
    ['a word of another list', LEGAL.replace('sausage', '合'), { words: 24, unknownWord: 6 }],
  ])('refuses %s', (_, text, facts) => {
    expect(codeOf(text)).toEqual({ code: 'phrase_invalid', ...facts });
  });
});
