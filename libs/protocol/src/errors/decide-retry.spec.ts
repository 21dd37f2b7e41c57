// Every retry ends, is asked for by a code only, and waits as long as the other side wishes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERRORS, type ErrorCode, ProtocolError } from '../errors.js';
import { decideRetry, isHostToAvoid, type RetrySituation } from './decide-retry.js';

const CODES = Object.keys(ERRORS) as ErrorCode[];
const SITUATIONS: RetrySituation[] = ['broker', 'put', 'batch'];
const anyRefusal = fc.tuple(fc.constantFrom(...SITUATIONS), fc.constantFrom(...CODES));

describe('decideRetry', () => {
  it('tries a bounded number of times, five minutes and their jitter at most, whatever the refusal', () => {
    fc.assert(
      fc.property(anyRefusal, fc.double({ min: 0, max: 1, noNaN: true }), ([situation, code], random) => {
        let waitedMs = 0;
        let failures = 1;
        for (; failures < 100; failures++) {
          const pauseMs = decideRetry(situation, new ProtocolError(code), failures, random);
          if (pauseMs === null) break;
          expect(pauseMs).toBeGreaterThanOrEqual(1_000);
          waitedMs += pauseMs;
        }
        expect(failures).toBeLessThan(20);
        expect(waitedMs).toBeLessThanOrEqual(1.25 * 305_000);
      }),
    );
  });

  it('asks again only what the catalogue calls retryable', () => {
    for (const situation of SITUATIONS) {
      for (const code of CODES.filter((each) => !ERRORS[each].retryable)) {
        expect(decideRetry(situation, new ProtocolError(code), 1, 0)).toBeNull();
      }
    }
  });

  it('waits twice as long each time, up to its bound', () => {
    const pauses = [1, 2, 3, 4, 5, 6, 7, 14, 15].map((failures) =>
      decideRetry('broker', new ProtocolError('broker_unreachable'), failures, 0),
    );
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, null]);
  });

  it('waits out a minute without the broker', () => {
    let waitedMs = 0;
    for (let failures = 1; waitedMs < 60_000; failures++) {
      const pauseMs = decideRetry('broker', new ProtocolError('broker_unreachable'), failures, 0);
      expect(pauseMs).not.toBeNull();
      waitedMs += pauseMs!;
    }
  });

  it('does not ask again before the time that the refusal names, and not at all when that is far', () => {
    const refused = (retryAfterSeconds: number) => new ProtocolError('rate_exceeded', { retryAfterSeconds });
    expect(decideRetry('broker', refused(60), 1, 0)).toBe(60_000);
    expect(decideRetry('broker', refused(0.1), 1, 0)).toBe(1_000);
    expect(decideRetry('broker', refused(301), 1, 0)).toBeNull();
    expect(decideRetry('broker', refused(Number.NaN), 1, 0)).toBeNull();
  });
});

describe('isHostToAvoid', () => {
  it('is false where only the token is old', () => {
    expect(CODES.filter((code) => !isHostToAvoid(code)).sort()).toEqual(['token_expired', 'token_predates_restart']);
  });
});
