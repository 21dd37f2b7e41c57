// Which refusals are asked again, how often and after which pause: one table for every loop that tries again. Pure.
import { strict as assert } from 'node:assert';
import { ERRORS, type ErrorCode, type ProtocolError } from '../errors.js';

/**
 * What is tried again:
 *
 *   broker   a request to the broker, signed anew
 *   put      a shard that goes to the same host under the same token, before another host is asked for
 *   batch    a batch that goes on where it was cut off; tries that got further do not count
 */
export type RetrySituation = 'broker' | 'put' | 'batch';

interface RetryRow {
  /** The pause before the first try again; each is twice the one before. */
  readonly pauseMsMin: number;
  readonly pauseMsMax: number;
  /** Tries after the first one. */
  readonly triesMax: number;
}

type RetryTable = Partial<Record<ErrorCode, RetryRow>>;

const SECOND_MS = 1_000;

/** Five minutes in all: a broker that is installed anew is back by then. */
const UNTIL_BACK: RetryRow = { pauseMsMin: SECOND_MS, pauseMsMax: 30 * SECOND_MS, triesMax: 14 };
/** Longer does not help against a fault. */
const A_FEW_TIMES: RetryRow = { pauseMsMin: SECOND_MS, pauseMsMax: 4 * SECOND_MS, triesMax: 3 };
/** Others want the host, too; and another one can take the shard. */
const SHORTLY: RetryRow = { pauseMsMin: SECOND_MS, pauseMsMax: 2 * SECOND_MS, triesMax: 2 };
const AS_LONG_AS_IT_MOVES: RetryRow = { pauseMsMin: SECOND_MS, pauseMsMax: 15 * SECOND_MS, triesMax: 10 };

const RETRIES: Readonly<Record<RetrySituation, RetryTable>> = {
  broker: {
    broker_unreachable: UNTIL_BACK,
    stopping: UNTIL_BACK,
    overloaded: UNTIL_BACK,
    rate_exceeded: UNTIL_BACK,
    nonce_list_full: UNTIL_BACK,
    internal: A_FEW_TIMES,
  },
  put: { host_busy: SHORTLY, host_unconfirmed: SHORTLY, token_in_use: SHORTLY },
  batch: {
    peer_unreachable: AS_LONG_AS_IT_MOVES,
    transfer_too_slow: AS_LONG_AS_IT_MOVES,
    // The host has not noticed yet that a connection is gone.
    token_in_use: AS_LONG_AS_IT_MOVES,
    host_busy: AS_LONG_AS_IT_MOVES,
    host_stopping: AS_LONG_AS_IT_MOVES,
  },
};

/** Whoever names a longer pause is asked again by the person. */
const RETRY_AFTER_MS_MAX = 5 * 60 * SECOND_MS;

/**
 * refusal    what the last try was refused with; `facts.retryAfterSeconds` is the least pause
 * failures   tries that have failed in a row, this one included; at least 1
 * random     from 0 to 1: up to a quarter is added, so that not everybody comes back at once
 * returns    ms to wait before the next try; null when there is to be none
 */
export function decideRetry(
  situation: RetrySituation,
  refusal: Pick<ProtocolError, 'code' | 'facts'>,
  failures: number,
  random: number,
): number | null {
  assert(failures >= 1);
  const row = RETRIES[situation][refusal.code];
  if (row === undefined || failures > row.triesMax) return null;
  const { retryAfterSeconds } = refusal.facts;
  const askedMs = typeof retryAfterSeconds === 'number' ? retryAfterSeconds * SECOND_MS : 0;
  if (!(askedMs <= RETRY_AFTER_MS_MAX)) return null;
  const pauseMs = Math.min(row.pauseMsMin * 2 ** (failures - 1), row.pauseMsMax);
  return Math.max(pauseMs, askedMs) * (1 + random / 4);
}

/**
 * What becomes of a host that would not take a shard: false when it is as good as before, and only its token is old.
 */
export function isHostToAvoid(code: ErrorCode): boolean {
  return code !== 'token_predates_restart' && code !== 'token_expired';
}

for (const table of Object.values(RETRIES)) {
  for (const code of Object.keys(table) as ErrorCode[]) assert(ERRORS[code].retryable, code);
}
