// Every refusal that Peerkeep can give, by stable code (SPEC §9), and the one error that carries it.
import { ACCOUNT_ERRORS } from './errors/account-errors.js';
import { ADMIN_ERRORS } from './errors/admin-errors.js';
import type { ErrorRow } from './errors/error-row.js';
import { EXCHANGE_ERRORS } from './errors/exchange-errors.js';
import { MACHINE_ERRORS } from './errors/machine-errors.js';
import { ROUTE_ERRORS } from './errors/route-errors.js';
import { VISIT_ERRORS } from './errors/visit-errors.js';

export type { ErrorRow };

/** Codes are part of the wire contract: add, never rename. A code stands in one of the tables. */
export const ERRORS = {
  ...EXCHANGE_ERRORS,
  ...ACCOUNT_ERRORS,
  ...MACHINE_ERRORS,
  ...ADMIN_ERRORS,
  ...ROUTE_ERRORS,
  ...VISIT_ERRORS,
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

/** Small facts for logs and problem documents. Never secrets, tokens or plaintext names of files in a store. */
export type ErrorFacts = Readonly<Record<string, string | number | boolean | null>>;

/**
 * The one error class for expected refusals. Match on `code`, never on the text.
 *
 * facts   what may be told to whoever asked
 * cause   what only the log may know
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';

  constructor(
    readonly code: ErrorCode,
    readonly facts: ErrorFacts = {},
    options: { cause?: unknown; detail?: string } = {},
  ) {
    super(options.detail ?? ERRORS[code].title, options.cause === undefined ? undefined : { cause: options.cause });
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }

  get hint(): string {
    return ERRORS[this.code].hint;
  }
}

export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(ERRORS, text);
}

/** True for a ProtocolError, of that code when one is given. */
export function isRefusal(error: unknown, code?: ErrorCode): error is ProtocolError {
  return error instanceof ProtocolError && (code === undefined || error.code === code);
}
