// Faults of a policy, as the editor shows them by field (B24).
import { describe, expect, it } from 'vitest';
import { faultsIn, parseWritten } from './policy-faults.js';

describe('parseWritten', () => {
  it('takes a document, and nothing else', () => {
    expect(parseWritten('{"a": 1}')).toEqual({ ok: true, written: { a: 1 } });
    for (const text of ['', '{', '[]', '1', 'null', '"x"']) expect(parseWritten(text)).toMatchObject({ ok: false });
  });
});

describe('faultsIn', () => {
  it('tells each fault with its field', () => {
    expect(faultsIn('exchange.windowDays: Too small; audits.on: Invalid input: expected boolean')).toEqual([
      { field: 'exchange.windowDays', fault: 'Too small' },
      { field: 'audits.on', fault: 'Invalid input: expected boolean' },
    ]);
  });

  it('keeps what names no field', () => {
    expect(faultsIn('the policy is not valid')).toEqual([{ field: 'policy', fault: 'the policy is not valid' }]);
  });
});
