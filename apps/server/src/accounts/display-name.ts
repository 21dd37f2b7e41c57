// The name by which an account is shown. Pure.

const CHARS_MAX = 100;
// Controls, line breaks, and marks that turn the direction of the text around them (UAX #9).
const MISLEADING = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/** The name trimmed and in NFC; null when it is empty, too long, or carries characters that nobody sees. */
export function parseDisplayName(text: string): string | null {
  if (text.length > 4 * CHARS_MAX) return null;
  const name = text.trim().normalize('NFC');
  if (name === '' || [...name].length > CHARS_MAX || MISLEADING.test(name)) return null;
  return name;
}
