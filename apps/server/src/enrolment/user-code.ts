// User codes: what a person reads off a terminal and types into the page (RFC 8628 §6.1). Pure.
import { USER_CODE_GROUP_LETTERS, USER_CODE_LETTERS } from '#protocol';

const LETTERS = 2 * USER_CODE_GROUP_LETTERS;

/** The code as it is written, `WDJB-MJHT`. randomIndex: a number from 0 up to, not including, its argument. */
export function makeUserCode(randomIndex: (count: number) => number): string {
  const letters = Array.from({ length: LETTERS }, () => USER_CODE_LETTERS[randomIndex(USER_CODE_LETTERS.length)]!);
  return inGroups(letters.join(''));
}

/**
 * The code that a person means, however it was typed: small letters, spaces, no hyphen. Null for anything else; letters
 * outside the alphabet are not dropped, so that a mistyped code is no other machine's.
 */
export function parseUserCode(typed: string): string | null {
  const letters = typed.toUpperCase().replaceAll(/[\s-]/g, '');
  if (letters.length !== LETTERS) return null;
  return [...letters].every((letter) => USER_CODE_LETTERS.includes(letter)) ? inGroups(letters) : null;
}

function inGroups(letters: string): string {
  return `${letters.slice(0, USER_CODE_GROUP_LETTERS)}-${letters.slice(USER_CODE_GROUP_LETTERS)}`;
}
