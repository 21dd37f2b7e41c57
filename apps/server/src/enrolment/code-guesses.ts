// Bounds the guessing of user codes, which are short enough for people (RFC 8628 §5.1): wrong codes are counted for the
// session that typed them, for its account and for its network, and at the bound every code is refused for a while, right
// or wrong.
import { ProtocolError } from '#protocol';
import { FailureWindows } from '../accounts/failure-windows.js';
import {
  CODE_GUESSERS_MAX,
  CODE_GUESSES_PER_ACCOUNT_MAX,
  CODE_GUESSES_PER_NETWORK_MAX,
  CODE_GUESSES_PER_SESSION_MAX,
  CODE_LOCK_OUT_MS,
} from '../limits.js';

export interface Guesser {
  /** What tells this session from others. */
  readonly session: string;
  /** An account has many sessions, and they may come from anywhere. */
  readonly accountId: string;
  readonly network: string;
}

export class CodeGuesses {
  private readonly wrong = new FailureWindows(CODE_LOCK_OUT_MS, CODE_GUESSERS_MAX);

  /**
   * Count a guess before it is looked at, so that guesses at once do not slip through together.
   *
   * atMs     monotonic
   * throws   rate_exceeded: locked out, or more guessers than are remembered
   */
  claim(guesser: Guesser, atMs: number): void {
    const bounds = boundsOf(guesser);
    const lockedOut = bounds.some(({ key, max }) => this.wrong.count(key, atMs) >= max);
    if (lockedOut || this.wrong.isFull(atMs)) {
      throw new ProtocolError('rate_exceeded', {}, { detail: 'too many wrong codes were typed' });
    }
    for (const { key, max } of bounds) this.wrong.add(key, atMs, max);
  }

  /** The guess that was claimed then was right: it does not count. */
  forgive(guesser: Guesser, atMs: number): void {
    for (const { key } of boundsOf(guesser)) this.wrong.takeBack(key, atMs);
  }
}

function boundsOf({ session, accountId, network }: Guesser): { key: string; max: number }[] {
  return [
    { key: `session ${session}`, max: CODE_GUESSES_PER_SESSION_MAX },
    { key: `account ${accountId}`, max: CODE_GUESSES_PER_ACCOUNT_MAX },
    { key: `network ${network}`, max: CODE_GUESSES_PER_NETWORK_MAX },
  ];
}
