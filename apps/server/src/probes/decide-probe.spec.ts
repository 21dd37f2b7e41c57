// Who is due, what a probe changes, and when the broker blames its own network (B8).
import { describe, expect, it } from 'vitest';
import { type ErrorCode, formatTime, type PeerId } from '#protocol';
import { parsePolicy } from '../config/policy.js';
import {
  inOrderToAsk,
  isBrokerBlind,
  isDue,
  outcomeOfRefusal,
  type ProbeOutcome,
  type ProbeRecord,
  recentWitnesses,
  recordAfter,
  recordAt,
  standingOf,
} from './decide-probe.js';

const policy = parsePolicy({});
const HERE = { address: '198.51.100.7', port: 4711, relayId: null };
const RELAY = '01890000-0000-7000-8000-00000000000a' as PeerId;
const GOOD: ProbeOutcome = {
  kind: 'good',
  answer: { time: formatTime(0), program: 'agent/1', freeBytes: 5, usedBytes: 1, shards: 1 },
};
const LOST: ProbeOutcome = { kind: 'lost', code: 'peer_unreachable' };
const WRONG: ProbeOutcome = { kind: 'wrong', code: 'peer_untrusted' };

/** What is known after these probes, each at the time at which it was due. */
function afterProbes(outcomes: readonly ProbeOutcome[], isBlind = false): ProbeRecord {
  let record: ProbeRecord | null = null;
  for (const outcome of outcomes) {
    record = recordAfter(record, HERE, outcome, { nowMs: record?.dueAtMs ?? 0, isBlind, random: 0.5, policy });
  }
  return record!;
}

describe('standing', () => {
  it.each<[string, ProbeOutcome[], string]>([
    ['one good probe', [GOOD], 'reachable'],
    ['no good probe yet', [LOST], 'unproved'],
    ['many failures and no good probe', [LOST, LOST, LOST, LOST], 'unproved'],
    ['fewer failures than it takes', [GOOD, LOST, WRONG], 'reachable'],
    ['as many as it takes', [GOOD, LOST, LOST, WRONG], 'unreachable'],
    ['failures that are not in a row', [GOOD, LOST, LOST, GOOD, LOST], 'reachable'],
    ['one success after them', [GOOD, LOST, LOST, LOST, LOST, GOOD], 'reachable'],
  ])('%s: %s is %s', (_name, outcomes, standing) => {
    expect(standingOf(afterProbes(outcomes), policy)).toBe(standing);
  });

  it('belongs to one address and port', () => {
    const record = afterProbes([GOOD]);
    expect(recordAt(record, HERE)).toBe(record);
    expect(standingOf(recordAt(record, { ...HERE, port: 4712 }), policy)).toBe('unproved');
    expect(standingOf(recordAt(record, { ...HERE, address: '198.51.100.8' }), policy)).toBe('unproved');
    expect(standingOf(recordAt(record, { ...HERE, relayId: RELAY }), policy)).toBe('unproved');
    expect(standingOf(recordAt(undefined, HERE), policy)).toBe('unproved');
  });

  it('keeps what the last answer told', () => {
    expect(afterProbes([GOOD, LOST])).toMatchObject({ program: 'agent/1', freeBytes: 5, reason: 'peer_unreachable' });
    expect(afterProbes([GOOD, outcomeOfRefusal('host_unconfirmed', { isRelayed: false })])).toMatchObject({
      program: 'agent/1',
      reason: null,
    });
  });
});

describe('the next probe', () => {
  it('is due at once for a host that was never asked, then after the interval', () => {
    expect(isDue(null, 0)).toBe(true);
    const record = afterProbes([GOOD]);
    expect(isDue(record, record.dueAtMs - 1)).toBe(false);
    expect(isDue(record, record.dueAtMs)).toBe(true);
    expect(record.dueAtMs).toBe(policy.probeIntervalMs);
  });

  it('is spread by a tenth', () => {
    const at = (random: number) =>
      recordAfter(null, HERE, GOOD, { nowMs: 0, isBlind: false, random, policy }).dueAtMs / policy.probeIntervalMs;
    expect([at(0), at(1)]).toEqual([0.9, 1.1]);
  });

  it('comes later and later after failures, up to half an hour', () => {
    const pauses = [1, 2, 3, 4, 20].map((n) => {
      const record = afterProbes(Array.from({ length: n }, () => LOST));
      return (record.dueAtMs - record.probedAtMs) / 1_000;
    });
    expect(pauses).toEqual([30, 60, 120, 240, 1_800]);
  });
});

describe('a refusal', () => {
  it.each<[ErrorCode, string]>([
    ['host_unconfirmed', 'good'],
    ['token_predates_restart', 'good'],
    ['host_busy', 'good'],
    ['peer_unreachable', 'lost'],
    ['peer_untrusted', 'wrong'],
    ['token_invalid', 'wrong'],
    ['host_address_refused', 'wrong'],
  ])('%s is %s', (code, kind) => {
    expect(outcomeOfRefusal(code, { isRelayed: false }).kind).toBe(kind);
  });

  it("of the guard to connect to a host's relay is not the host's fault", () => {
    const code = 'host_address_refused';
    expect(outcomeOfRefusal(code, { isRelayed: true })).toEqual({ kind: 'lost', code });
  });
});

describe('a broker that reaches nobody', () => {
  const witnesses = (lost: number, of: number) => Array.from({ length: of }, (_, i) => ({ atMs: 0, isLost: i < lost }));

  it.each([
    [3, 3, true],
    [4, 5, true],
    [3, 5, false],
    [1, 3, false],
    [2, 2, false],
    [0, 0, false],
  ])('%i of %i lost: blind is %s', (lost, of, blind) => {
    expect(isBrokerBlind(witnesses(lost, of), policy)).toBe(blind);
  });

  it('condemns nobody, however long it lasts', () => {
    let record = afterProbes([GOOD]);
    for (let i = 0; i < 20; i++) {
      record = recordAfter(record, HERE, LOST, { nowMs: record.dueAtMs, isBlind: true, random: 0.5, policy });
    }
    expect(record).toMatchObject({ failures: 0, reason: 'peer_unreachable' });
    expect(standingOf(record, policy)).toBe('reachable');
  });

  it('still believes what somebody else at the address answered', () => {
    const now = { nowMs: 0, isBlind: true, random: 0.5, policy };
    expect(recordAfter(afterProbes([GOOD]), HERE, WRONG, now).failures).toBe(1);
  });

  it('looks at the last minute only', () => {
    expect(recentWitnesses([{ atMs: 0, isLost: true }], 60_000)).toHaveLength(1);
    expect(recentWitnesses([{ atMs: 0, isLost: true }], 60_001)).toHaveLength(0);
  });
});

describe('whom to ask first', () => {
  it('newcomers, then those that answer, the longest due of them first, then those that fail', () => {
    const answers = recordAfter(null, HERE, GOOD, { nowMs: 0, isBlind: false, random: 0.5, policy });
    const fails = { ...answers, failures: 1, dueAtMs: 0 };
    const later = { ...answers, dueAtMs: answers.dueAtMs + 1 };
    expect([fails, later, null, answers].sort(inOrderToAsk)).toEqual([null, answers, later, fails]);
  });
});
