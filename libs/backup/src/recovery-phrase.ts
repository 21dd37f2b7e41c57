// The master key as 24 English words (BIP 39), for a person to write down and to type again.
import { strict as assert } from 'node:assert';
import { entropyToMnemonic, mnemonicToEntropy, validateMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { KEY_BYTES, ProtocolError } from '#protocol';

const PHRASE_WORDS = 24;
const WORDS = new Set(wordlist);
// "1. abandon", "1) abandon", "1.abandon" and "1 abandon": people copy the numbers of a list with its words.
const NUMBERING = /^\d+[.):]?/;

/** The 24 words of a 32-byte master key, lower case, one space between. Pure. */
export function phraseFromMasterKey(masterKey: Uint8Array): string {
  assert.equal(masterKey.length, KEY_BYTES);
  return entropyToMnemonic(masterKey, wordlist);
}

/**
 * Read a recovery phrase as a person types it: any spaces and line breaks, any case, words numbered or not. Pure.
 *
 * returns  the 32-byte master key
 * throws   phrase_invalid, with the number of words found and the place of the first unknown word (never the word)
 * source   BIP 39, English list
 */
export function masterKeyFromPhrase(text: string): Uint8Array {
  const words = text
    .normalize('NFKD')
    .toLowerCase()
    .split(/\s+/)
    .map((word) => word.replace(NUMBERING, ''))
    .filter((word) => word !== '');
  const unknown = words.findIndex((word) => !WORDS.has(word));
  if (unknown !== -1) throw new ProtocolError('phrase_invalid', { words: words.length, unknownWord: unknown + 1 });
  if (words.length !== PHRASE_WORDS) throw new ProtocolError('phrase_invalid', { words: words.length });
  const phrase = words.join(' ');
  if (!validateMnemonic(phrase, wordlist)) throw new ProtocolError('phrase_invalid', { words: words.length });
  return mnemonicToEntropy(phrase, wordlist);
}
