// The catalogue of refusals: each code stands once, and says everything that a person and a program need.
import { describe, expect, it } from 'vitest';
import { ACCOUNT_ERRORS } from './errors/account-errors.js';
import { ADMIN_ERRORS } from './errors/admin-errors.js';
import { EXCHANGE_ERRORS } from './errors/exchange-errors.js';
import { MACHINE_ERRORS } from './errors/machine-errors.js';
import { ROUTE_ERRORS } from './errors/route-errors.js';
import { VISIT_ERRORS } from './errors/visit-errors.js';
import { ERRORS, isErrorCode, isRefusal, ProtocolError } from './errors.js';

describe('the catalogue', () => {
  it('has each code in one table only', () => {
    const tables = [EXCHANGE_ERRORS, ACCOUNT_ERRORS, MACHINE_ERRORS, ADMIN_ERRORS, ROUTE_ERRORS, VISIT_ERRORS];
    const codes = tables.flatMap((table) => Object.keys(table));
    expect(new Set(codes).size).toBe(codes.length);
    expect(Object.keys(ERRORS)).toEqual(codes);
  });

  it('gives every code a status of a refusal, a title without a capital and a hint that is a sentence', () => {
    for (const [code, { status, title, hint }] of Object.entries(ERRORS)) {
      expect(code).toMatch(/^[a-z]+(?:_[a-z]+)*$/);
      expect(status >= 400 && status < 600, code).toBe(true);
      expect(title, code).toMatch(/^(?:[a-z]|RFC ).*[^.]$/);
      expect(hint, code).toMatch(/^\S.*\.$/);
    }
  });

  it('knows its codes, and none by inheritance', () => {
    expect(isErrorCode('token_invalid')).toBe(true);
    for (const text of ['toString', '__proto__', 'constructor', '', 'TOKEN_INVALID', null, 1]) {
      expect(isErrorCode(text)).toBe(false);
    }
    const error = new ProtocolError('token_burned', { transactionId: 'x' });
    expect([
      error.status,
      error.retryable,
      isRefusal(error, 'token_burned'),
      isRefusal(error, 'token_expired'),
    ]).toEqual([409, false, true, false]);
    expect(isRefusal(new Error('token_burned'))).toBe(false);
  });
});
