// What the answers to audits mean (B25): a host is judged by proofs alone, and never for the broker's own faults.
import { describe, expect, it } from 'vitest';
import { type ErrorCode, HOST_REFUSALS } from '#protocol';
import { auditPolicy } from './audit-policy.js';
import {
  type AuditFinding,
  challengeAfter,
  decideAuditOutcome,
  isBrokerAtFault,
  kindOfRefusal,
} from './decide-audit-outcome.js';

const POLICY = auditPolicy.parse({ containedAsksMax: 3, containedForMs: 1_000 });
const NEW = { unanswered: 0, containedSinceMs: null };
const facts = { nowMs: 10_000, isBrokerAtFault: false, challenge: NEW };
const outcomeOf = (finding: AuditFinding, others: Partial<typeof facts> = {}) =>
  decideAuditOutcome(finding, { ...facts, ...others }, POLICY);

const MISSING: AuditFinding = { kind: 'missing', code: 'shard_unknown' };
const SILENT: AuditFinding = { kind: 'silent', code: 'peer_unreachable', answersProbe: true };
const OFFLINE: AuditFinding = { kind: 'silent', code: 'peer_unreachable', answersProbe: false };
const DODGED: AuditFinding = { kind: 'dodged', code: 'host_busy' };
const UNASKED: AuditFinding = { kind: 'unasked', code: 'internal' };

describe('an audit', () => {
  it.each<[string, AuditFinding, string, string]>([
    ['that shows the block is ok, even while the broker is at fault', { kind: 'shown' }, 'ok', 'ok'],
    ['without the block has failed', MISSING, 'failed', 'broker_at_fault'],
    ['of a silent host that is there is contained', SILENT, 'contained', 'broker_at_fault'],
    ['of a host that is not there says offline', OFFLINE, 'offline', 'broker_at_fault'],
    ['of a host that answers something else is contained', DODGED, 'contained', 'broker_at_fault'],
    ['that was never asked says nothing', UNASKED, 'broker_at_fault', 'broker_at_fault'],
  ])('%s', (_name, finding, alone, atFault) => {
    expect(outcomeOf(finding)).toBe(alone);
    expect(outcomeOf(finding, { isBrokerAtFault: true })).toBe(atFault);
  });

  it('fails at its last silence: asked often enough, and for long enough', () => {
    const contained = (unanswered: number, forMs: number) =>
      outcomeOf(SILENT, { challenge: { unanswered, containedSinceMs: facts.nowMs - forMs } as never });
    expect(contained(1, 1_000)).toBe('contained');
    expect(contained(2, 999)).toBe('contained');
    expect(contained(2, 1_000)).toBe('failed');
    expect(contained(200, 0)).toBe('contained');
  });

  it('is the same again until it is answered; offline and a broker at fault count for nothing', () => {
    let challenge = challengeAfter(NEW, 'contained', 100)!;
    expect(challenge).toEqual({ unanswered: 1, containedSinceMs: 100 });
    challenge = challengeAfter(challenge, 'contained', 200)!;
    expect(challenge).toEqual({ unanswered: 2, containedSinceMs: 100 });
    for (const outcome of ['offline', 'broker_at_fault'] as const) {
      expect(challengeAfter(challenge, outcome, 300)).toEqual(challenge);
      expect(challengeAfter(NEW, outcome, 300)).toEqual(NEW);
    }
    for (const outcome of ['ok', 'failed'] as const) expect(challengeAfter(challenge, outcome, 300)).toBeNull();
  });
});

describe('a refusal', () => {
  it('is a failure only where the host says that the bytes are not there', () => {
    const failures = [...HOST_REFUSALS].filter((code) => kindOfRefusal(code) === 'missing');
    expect(failures.sort()).toEqual(['shard_content_mismatch', 'shard_corrupt', 'shard_unknown']);
  });

  it('is silence where nobody of that name speaks, and an evasion otherwise', () => {
    for (const code of ['peer_unreachable', 'peer_untrusted', 'host_address_refused'] satisfies ErrorCode[])
      expect(kindOfRefusal(code)).toBe('silent');
    for (const code of ['host_busy', 'token_invalid', 'token_predates_restart', 'internal'] satisfies ErrorCode[])
      expect(kindOfRefusal(code)).toBe('dodged');
  });
});

describe('a broker at fault', () => {
  const witnesses = (shown: number, bad: number) =>
    [...Array(shown).fill(true), ...Array(bad).fill(false)].map((isShown: boolean) => ({ isShown }));

  it.each([
    [0, 0, false],
    [0, 3, false],
    [0, 4, true],
    [1, 3, false],
    [1, 4, true],
    [20, 79, false],
    [20, 80, true],
  ])('of %i that show their blocks and %i that do not: %s', (shown, bad, expected) => {
    expect(isBrokerAtFault(witnesses(shown, bad), POLICY)).toBe(expected);
  });
});
