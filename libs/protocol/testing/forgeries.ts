// Tokens that a forger changes at random: the best material that one can have, and how the host answers.
import { concatBytes, utf8 } from '../src/bytes.js';
import { nodeSuite } from '../src/crypto/node-suite.js';
import { splitV3Local } from '../src/paseto/v3-local.js';
import { decodeClaims } from '../src/token/claims.js';
import { sealToken } from '../src/token/seal-token.js';
import { type TokenExpectation, verifyToken } from '../src/token/verify-token.js';
import { codeOf, exampleBytes, exampleKey } from './examples.js';
import { mutate, randomFrom } from './mutate.js';
import { expectationOf, TOKEN_KINDS } from './token-kinds.js';

export const forgedHostKey = exampleKey(nodeSuite);
const keyBefore = exampleKey(nodeSuite, 'other transaction key');
const keyOf: TokenExpectation['keyOf'] = (kid) =>
  [forgedHostKey, forgedHostKey.offline, keyBefore].find((key) => key.kid === kid);

export interface ForgedToken {
  readonly name: string;
  readonly text: string;
  /** The request for which the host would take it. */
  readonly expectation: TokenExpectation;
}

// Some share a nonce, as no honest broker makes them: a piece of one then decrypts in the place of another.
/** Tokens that the host would take, of every op and of batches, one of them under the key before. */
export const forgedTokens: readonly ForgedToken[] = [
  ...TOKEN_KINDS.map((kind, i) => ({
    name: kind.name,
    text: sealToken(forgedHostKey, kind.claims, exampleBytes(`nonce ${i % 4}`)),
    expectation: expectationOf(kind, forgedHostKey, { keyOf }),
  })),
  {
    name: 'under the key before',
    text: sealToken(keyBefore, TOKEN_KINDS[0]!.claims, exampleBytes('nonce 0')),
    expectation: expectationOf(TOKEN_KINDS[0]!, keyBefore, { keyOf }),
  },
];
const whole: ReadonlySet<string> = new Set(forgedTokens.map(({ text }) => text));

type Accepts = (text: string, expectation: TokenExpectation) => boolean;

/** How many of so many changed tokens `accepts` takes. Only changes that give a whole valid token back are left out. */
export function countAccepted(seed: number, times: number, accepts: Accepts): number {
  const random = randomFrom(seed);
  let accepted = 0;
  for (let tried = 0; tried < times; ) {
    const { text: original, expectation } = forgedTokens[random(forgedTokens.length)]!;
    const text = mutate(original, forgedTokens[random(forgedTokens.length)]!.text, random);
    if (whole.has(text)) continue;
    tried++;
    if (accepts(text, expectation)) accepted++;
  }
  return accepted;
}

/** Show so many changed tokens to the host: how many it takes, and with which codes it refuses the others. */
export function tryForgeries(
  seed: number,
  times: number,
): { tried: number; accepted: number; refusals: Record<string, number> } {
  const refusals: Record<string, number> = {};
  const accepted = countAccepted(seed, times, (text, expectation) => {
    const code = codeOf(() => verifyToken(text, expectation));
    if (code === 'accepted') return true;
    refusals[code] = (refusals[code] ?? 0) + 1;
    return false;
  });
  return { tried: times, accepted, refusals };
}

/** The host's checks without the comparison of the MAC. It decrypts and goes on, as a careless reader would. */
export function acceptsWithoutMac(text: string, expectation: TokenExpectation): boolean {
  const parts = splitV3Local(text);
  const kid = parts === null ? undefined : /"kid":"([0-9a-f]{16})"/.exec(Buffer.from(parts.footer).toString())?.[1];
  const hostKey = kid === undefined ? undefined : keyOf(kid);
  if (parts === null || hostKey === undefined) return false;
  const nonce = parts.payload.subarray(0, 32);
  const keys = hostKey.token.expand(concatBytes(utf8('paseto-encryption-key'), nonce, Uint8Array.of(1)));
  const ciphertext = parts.payload.subarray(32, -48);
  const plaintext = hostKey.token.suite.aes256Ctr(keys.subarray(0, 32), keys.subarray(32, 48), ciphertext);
  const claims = decodeClaims(Buffer.from(plaintext).toString());
  return claims !== null && claims.hostId === expectation.hostId && claims.clientId === expectation.clientId;
}
