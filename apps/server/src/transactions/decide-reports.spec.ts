// What reports change: settled needs both ends, a failure gives back, a repetition changes nothing.

import { describe, expect, it } from 'vitest';
import type { TransactionId } from '#protocol';
import { type CheckedReport, decideReports } from './decide-reports.js';
import type { Transaction } from './transaction-rows.js';

const ID = 't' as TransactionId;
const transaction = (changes: Partial<Transaction>): Transaction =>
  ({
    id: ID,
    op: 'put',
    state: 'issued',
    hasReceipt: false,
    clientOutcome: null,
    hostOutcome: null,
    ...changes,
  }) as Transaction;
const said = (from: 'client' | 'host', outcome: CheckedReport['outcome']): CheckedReport => ({
  transactionId: ID,
  from,
  outcome,
});

interface Case {
  readonly name: string;
  readonly known?: Partial<Transaction>;
  readonly reports: readonly CheckedReport[];
  /** r: receipt recorded, S: settled, L: settled late, V: voided, f: a failure counted. */
  readonly changes: string;
}

const cases: readonly Case[] = [
  { name: 'the host alone', reports: [said('host', 'done')], changes: 'r' },
  { name: 'the client with the receipt', reports: [said('client', 'done')], changes: 'rS' },
  { name: 'both at once', reports: [said('host', 'done'), said('client', 'done')], changes: 'rS' },
  { name: 'the client after the host', known: { hasReceipt: true }, reports: [said('client', 'done')], changes: 'S' },
  {
    name: 'a repetition after the end',
    known: { state: 'settled', hasReceipt: true, clientOutcome: 'done', hostOutcome: 'done' },
    reports: [said('client', 'done'), said('host', 'done')],
    changes: '',
  },
  { name: 'the client failed', reports: [said('client', 'peer_unreachable')], changes: 'Vf' },
  {
    name: 'the client failed, said twice',
    reports: [said('client', 'peer_unreachable'), said('client', 'peer_unreachable')],
    changes: 'Vf',
  },
  {
    name: 'the client failed, known already',
    known: { state: 'void', clientOutcome: 'peer_unreachable' },
    reports: [said('client', 'peer_unreachable')],
    changes: '',
  },
  { name: 'the host refused', reports: [said('host', 'host_full')], changes: 'f' },
  { name: 'a retry worked', reports: [said('client', 'host_busy'), said('client', 'done')], changes: 'rSf' },
  { name: 'a failure after success', reports: [said('client', 'done'), said('client', 'host_busy')], changes: 'rS' },
  { name: 'late, after it was voided', known: { state: 'void' }, reports: [said('client', 'done')], changes: 'rL' },
  {
    name: 'the client speaks at last',
    known: { state: 'unconfirmed', hasReceipt: true },
    reports: [said('client', 'done')],
    changes: 'S',
  },
  {
    name: 'the client denies at last',
    known: { state: 'unconfirmed', hasReceipt: true },
    reports: [said('client', 'peer_unreachable')],
    changes: 'Vf',
  },
];

describe('decideReports', () => {
  it.each(cases)('$name: $changes', ({ known, reports, changes }) => {
    const decided = decideReports(new Map([[ID, transaction(known ?? {})]]), reports);
    const letters = [
      decided.receipted.map(() => 'r'),
      decided.settled.map(({ late }) => (late ? 'L' : 'S')),
      decided.voided.map(() => 'V'),
      decided.failures.map(() => 'f'),
    ];
    expect(letters.flat().join('')).toBe(changes);
  });

  it('passes over transactions that are not there', () => {
    expect(decideReports(new Map(), [said('client', 'done')]).settled).toEqual([]);
  });
});
