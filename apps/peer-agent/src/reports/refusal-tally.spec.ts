// Refusals are summed up and bounded, and a stolen token does not make its transaction fail.
import { describe, expect, it } from 'vitest';
import { REFUSALS_PER_REPORT_MAX, type TransactionId, uuidV7 } from '#protocol';
import { peerIdOf } from '../../../../test/peer-fixture.js';
import { RefusalTally } from './refusal-tally.js';

const at = '2026-11-20T00:00:00.000Z';
const [clientId, otherId] = [peerIdOf(1), peerIdOf(2)];
const transactionId = uuidV7<TransactionId>(0, new Uint8Array(10));

describe('the tally of refusals', () => {
  it('counts by client and code', () => {
    const tally = new RefusalTally();
    for (let i = 0; i < 3; i++) tally.record({ code: 'token_invalid', clientId, transactionId: null, at });
    tally.record({ code: 'token_invalid', clientId: otherId, transactionId: null, at });
    expect(tally.take(10)).toEqual([
      { outcome: 'refused', code: 'token_invalid', clientId, count: 3, at },
      { outcome: 'refused', code: 'token_invalid', clientId: otherId, count: 1, at },
    ]);
    expect(tally.length).toBe(0);
  });

  it.each([
    ['host_full', 'failed'],
    ['shard_unknown', 'failed'],
    ['token_wrong_client', 'refused'],
    ['token_in_use', 'refused'],
    ['token_burned', 'refused'],
    ['token_expired', 'refused'],
    ['host_busy', 'refused'],
  ] as const)('reports %s of an authentic token as %s', (code, outcome) => {
    const tally = new RefusalTally();
    tally.record({ code, clientId, transactionId, at });
    tally.record({ code, clientId, transactionId, at });
    expect(tally.take(10)).toEqual([expect.objectContaining({ outcome, code })]);
  });

  it('adds up again what the broker did not take', () => {
    const tally = new RefusalTally();
    tally.record({ code: 'token_invalid', clientId, transactionId: null, at });
    const taken = tally.take(10);
    tally.record({ code: 'token_invalid', clientId, transactionId: null, at });
    tally.putBack(taken);
    expect(tally.take(10)).toEqual([expect.objectContaining({ count: 2 })]);
  });

  it('counts no further than one report may say, and says how many were left out', () => {
    const tally = new RefusalTally();
    const full = { outcome: 'refused', code: 'token_invalid', clientId, count: REFUSALS_PER_REPORT_MAX, at } as const;
    tally.putBack([full]);
    tally.record({ code: 'token_invalid', clientId, transactionId: null, at });
    expect(tally.take(10)).toEqual([full]);
    expect(tally.takeLost()).toBe(1);
  });

  it('is bounded, and says how many found no room', () => {
    const tally = new RefusalTally(1);
    tally.record({ code: 'token_invalid', clientId, transactionId: null, at });
    tally.record({ code: 'token_invalid', clientId: otherId, transactionId: null, at });
    tally.record({ code: 'token_invalid', clientId, transactionId: null, at });
    expect([tally.length, tally.takeLost(), tally.takeLost()]).toEqual([1, 1, 0]);
  });
});
