// What reports change: settled needs both ends, the host's failure gives back unless a receipt came, a repetition changes nothing.

import { describe, expect, it } from 'vitest';
import type { PeerId, TransactionId } from '#protocol';
import { type CheckedReport, decideReports } from './decide-reports.js';
import { keyOf, type Transaction } from './transaction-rows.js';

const PART = { id: 't' as TransactionId, hostId: 'h' as PeerId, item: 0 };
const transaction = (changes: Partial<Transaction>): Transaction =>
  ({
    ...PART,
    isUse: false,
    op: 'put',
    state: 'issued',
    hasReceipt: false,
    clientOutcome: null,
    hostOutcome: null,
    uses: 0,
    movedBytes: 0,
    ...changes,
  }) as Transaction;
const said = (from: 'client' | 'host', outcome: CheckedReport['outcome']): CheckedReport => ({
  part: keyOf(PART),
  from,
  outcome,
  inReceipt: outcome === 'done',
});
/** The receipt of a batch says that this item of it failed. */
const denied = (from: 'client' | 'host', outcome: string): CheckedReport => ({
  ...said(from, outcome),
  inReceipt: true,
});
const streamed = (uses: number, bytes: number): CheckedReport => ({ ...said('host', 'done'), moved: { uses, bytes } });

interface Case {
  readonly name: string;
  readonly known?: Partial<Transaction>;
  readonly reports: readonly CheckedReport[];
  /**
   * r: receipt recorded, s: the shard stored by it, F: the shard forgotten, S: settled, L: settled late, V: voided, m: more
   * moved, f: a failure counted.
   */
  readonly changes: string;
}

const cases: readonly Case[] = [
  { name: 'the host alone', reports: [said('host', 'done')], changes: 'rs' },
  { name: 'the client with the receipt', reports: [said('client', 'done')], changes: 'rsS' },
  { name: 'both at once', reports: [said('host', 'done'), said('client', 'done')], changes: 'rsS' },
  { name: 'the client after the host', known: { hasReceipt: true }, reports: [said('client', 'done')], changes: 'S' },
  {
    name: 'a repetition after the end',
    known: { state: 'settled', hasReceipt: true, clientOutcome: 'done', hostOutcome: 'done' },
    reports: [said('client', 'done'), said('host', 'done')],
    changes: '',
  },
  { name: 'the client failed', reports: [said('client', 'peer_unreachable')], changes: 'f' },
  { name: 'a get failed', known: { op: 'get' }, reports: [said('client', 'peer_unreachable')], changes: 'Vf' },
  {
    name: 'the client failed, said twice',
    reports: [said('client', 'peer_unreachable'), said('client', 'peer_unreachable')],
    changes: 'f',
  },
  {
    name: 'the client failed, known already',
    known: { clientOutcome: 'peer_unreachable' },
    reports: [said('client', 'peer_unreachable')],
    changes: '',
  },
  { name: 'the host refused', reports: [said('host', 'host_full')], changes: 'Vf' },
  {
    name: 'the host refused, said again',
    known: { state: 'void', hostOutcome: 'host_full' },
    reports: [said('host', 'host_full')],
    changes: '',
  },
  {
    name: 'the host refused what it has proven',
    known: { hasReceipt: true },
    reports: [said('host', 'host_full')],
    changes: 'f',
  },
  { name: 'a retry worked', reports: [said('client', 'host_busy'), said('client', 'done')], changes: 'rsSf' },
  { name: 'a failure after success', reports: [said('client', 'done'), said('client', 'host_busy')], changes: 'rsS' },
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
    changes: 'f',
  },
  {
    name: 'the client denies what the host has proven',
    known: { hasReceipt: true },
    reports: [said('client', 'peer_unreachable')],
    changes: 'f',
  },
  {
    name: 'the host proves what the client denies, at once',
    reports: [said('client', 'peer_unreachable'), said('host', 'done')],
    changes: 'rsf',
  },
  {
    name: 'the host alone, after it was voided',
    known: { state: 'void' },
    reports: [said('host', 'done')],
    changes: 'r',
  },
  {
    name: 'the host, after the client denied it',
    known: { clientOutcome: 'peer_unreachable' },
    reports: [said('host', 'done')],
    changes: 'rs',
  },
  { name: 'a get, served', known: { op: 'get' }, reports: [said('client', 'done')], changes: 'rS' },
  { name: 'an item of a batch that its host says it has not', reports: [denied('host', 'host_full')], changes: 'Vf' },
  { name: 'the same, told by the client', reports: [denied('client', 'host_full')], changes: 'Vf' },
  {
    name: 'a batch receipt against what an earlier one proved',
    known: { hasReceipt: true },
    reports: [denied('host', 'host_full')],
    changes: 'f',
  },
  { name: 'a deletion by the host alone', known: { op: 'delete' }, reports: [said('host', 'done')], changes: 'rF' },
  { name: 'a deletion by both', known: { op: 'delete' }, reports: [said('client', 'done')], changes: 'rFS' },
  {
    name: 'the client says it is gone',
    known: { op: 'delete' },
    reports: [said('client', 'shard_unknown')],
    changes: 'Vf',
  },
  {
    name: 'the host says it is gone',
    known: { op: 'delete' },
    reports: [said('host', 'shard_unknown')],
    changes: 'Ff',
  },
  {
    name: 'a receipt that it is gone',
    known: { op: 'delete' },
    reports: [denied('client', 'shard_unknown')],
    changes: 'FVf',
  },
  { name: 'it is retained', known: { op: 'delete' }, reports: [denied('host', 'shard_retained')], changes: 'Vf' },
  { name: 'a stream goes on', known: { op: 'stream' }, reports: [said('client', 'done')], changes: 'r' },
  { name: 'a stream moves more', known: { op: 'stream', uses: 1 }, reports: [streamed(2, 9)], changes: 'rm' },
  { name: 'an older receipt of a stream', known: { op: 'stream', uses: 3 }, reports: [streamed(2, 9)], changes: 'r' },
  {
    name: 'a universal token fails once',
    known: { op: 'universal' },
    reports: [said('client', 'host_busy')],
    changes: 'f',
  },
  { name: 'a use of one', known: { isUse: true }, reports: [said('client', 'done')], changes: 'rsS' },
  { name: 'a code of a newer program', reports: [said('host', 'no_such_code')], changes: 'Vf' },
];

describe('decideReports', () => {
  it.each(cases)('$name: $changes', ({ known, reports, changes }) => {
    const decided = decideReports(new Map([[keyOf(PART), transaction(known ?? {})]]), reports);
    const letters = [
      decided.receipted.map(() => 'r'),
      decided.stored.map(() => 's'),
      decided.forgotten.map(() => 'F'),
      decided.settled.map(({ late }) => (late ? 'L' : 'S')),
      decided.voided.map(() => 'V'),
      decided.moved.map(() => 'm'),
      decided.failures.map(() => 'f'),
    ];
    expect(letters.flat().join('')).toBe(changes);
  });

  it('passes over transactions that are not there', () => {
    expect(decideReports(new Map(), [said('client', 'done')]).settled).toEqual([]);
  });
});
