// The answer of a picture: how it is drawn at random, and how what a person typed is compared with it.
import { randomInt } from 'node:crypto';
import { ANSWER_CHARS, ANSWER_FIELD_CHARS_MAX } from './limits.js';
import { ALPHABET } from './picture/glyphs.js';

export function randomAnswer(): string {
  return Array.from({ length: ANSWER_CHARS }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}

/** People type spaces and hyphens between digits, and digits of full width (NFKC makes them plain). Pure. */
export function isAnswer(typed: string, answer: string): boolean {
  if (typed.length > ANSWER_FIELD_CHARS_MAX) return false;
  return typed.normalize('NFKC').replace(/[\s-]/g, '') === answer;
}
