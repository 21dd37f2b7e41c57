// The proofs of the audits (B23, B25): who dropped 1 % is found, who is honest is never suspended, and the broker's own
// faults move nobody. Simulated over the pure code that the broker runs; PEERKEEP_SEED repeats or changes the chance.
import { randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { auditPolicy } from './audit-policy.js';
import { drawShard, isChosenByBytes } from './decide-audit.js';
import { type AuditOutcome, challengeAfter, decideAuditOutcome, type OutcomeFacts } from './decide-audit-outcome.js';
import { type AuditScore, type AuditVerdict, decideAuditScore, newAuditScore, trustIn } from './decide-audit-score.js';
import { seeded } from './testing/seeded.js';

const POLICY = auditPolicy.parse({});
/** Seconds on a machine that does nothing else. */
const LONG = { timeout: 300_000 };
const WANTED_SEED = process.env.PEERKEEP_SEED ?? '20261121';
const SEED = WANTED_SEED === 'random' ? randomInt(2 ** 31) : Number(WANTED_SEED);

function judge(outcomes: readonly AuditOutcome[], from: AuditScore = newAuditScore(POLICY)) {
  let judged: { score: AuditScore; verdict: AuditVerdict } = { score: from, verdict: 'ok' };
  for (const outcome of outcomes) judged = decideAuditScore(judged.score, outcome, POLICY);
  return judged;
}
const times = (count: number, outcome: AuditOutcome): AuditOutcome[] => Array(count).fill(outcome);
const OLD = judge(times(2_000, 'ok')).score;

describe('the score of a host', () => {
  it.each<[string, AuditOutcome[], AuditVerdict]>([
    ['is in order without any audit', [], 'ok'],
    ['of one failure makes it suspicious', ['failed'], 'suspicious'],
    ['of two failures at once too', times(2, 'failed'), 'suspicious'],
    ['of three failures at once suspends it', times(3, 'failed'), 'suspend'],
    ['forgives a failure after some hundred good audits', ['failed', ...times(400, 'ok')], 'ok'],
  ])('%s', (_name, outcomes, verdict) => {
    expect(judge(outcomes).verdict).toBe(verdict);
  });

  it('of a host of long standing moves slowly, and a host that lost everything is out after some twenty', () => {
    expect(judge(['failed'], OLD).verdict).toBe('suspicious');
    expect(judge(times(20, 'failed'), OLD).verdict).toBe('suspicious');
    expect(judge(times(25, 'failed'), OLD).verdict).toBe('suspend');
  });

  it('remembers about 200 audits: no past is so good that it could hide a loss', () => {
    expect(OLD.good + OLD.bad).toBeCloseTo(200, 1);
    expect(trustIn(judge(times(100_000, 'ok')).score)).toBe(1);
  });

  it('is moved by nothing but a proof or its absence: the broker at fault moves nobody', () => {
    for (const from of [newAuditScore(POLICY), OLD, judge(['failed'], OLD).score]) {
      for (const outcome of ['offline', 'contained', 'broker_at_fault'] as const) {
        expect(judge(times(1_000, outcome), from).score).toEqual(from);
      }
    }
  });
});

describe('a host that dropped 1 % of its bytes (B25)', () => {
  const AUDITS = 460;
  const HOSTS = 20_000;
  const DRAWS = 1_000_000;
  /** 1 % of the bytes: the smallest shards, which are many, or the largest one. */
  const SMALL = { sizes: [...Array(100).fill(1), ...Array(990).fill(10)] as number[], dropped: (i: number) => i < 100 };
  const LARGE = { sizes: [10, ...Array(990).fill(1)] as number[], dropped: (i: number) => i === 0 };

  it('fails one of 460 audits with 99 %, as a formula', () => {
    expect(1 - 0.99 ** AUDITS).toBeGreaterThanOrEqual(0.99);
  });

  it.each([
    ['many small shards', SMALL],
    ['one large shard', LARGE],
  ])(`is found, of ${HOSTS} such hosts by the code, whichever it dropped: %s, seed ${SEED}`, LONG, (_name, host) => {
    const { sizes, dropped } = host;
    const sizeMax = Math.max(...sizes);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    expect(sizes.reduce((sum, size, i) => sum + (dropped(i) ? size : 0), 0) / total).toBeCloseTo(0.01, 4);
    const random = seeded(SEED);
    // The draws are the costly part, so they are made once, and hosts take them in rows that each begin elsewhere.
    const draws = Uint8Array.from({ length: DRAWS }, () => {
      let shard: number;
      do shard = drawShard(sizes.length, random);
      while (!isChosenByBytes(sizes[shard]!, sizeMax, random));
      return dropped(shard) ? 1 : 0;
    });
    let found = 0;
    for (let i = 0; i < HOSTS; i++) {
      let judged: { score: AuditScore; verdict: AuditVerdict } = { score: newAuditScore(POLICY), verdict: 'ok' };
      const first = drawShard(DRAWS, random);
      for (let audit = 0; audit < AUDITS && judged.verdict === 'ok'; audit++) {
        const isDropped = draws[(first + audit) % DRAWS] === 1;
        judged = decideAuditScore(judged.score, isDropped ? 'failed' : 'ok', POLICY);
      }
      if (judged.verdict !== 'ok') found++;
    }
    // 0.9902 by the formula, and its chance: rows overlap, so the draws stand for some 2,000 independent hosts.
    expect(found / HOSTS).toBeGreaterThan(0.98);
    expect(found / HOSTS).toBeLessThan(0.997);
  });
});

describe('of a million honest hosts (B23)', () => {
  const HOSTS = 1_000_000;
  /** The first ones, when the least is known of a host and one failure weighs the most. */
  const AUDITS = 50;
  /** Bad blocks by rot: disks are ten thousand times better. */
  const ROT = 1e-4;
  const AWAY = 0.05;
  /** There, and too busy for any answer. */
  const BUSY = 0.01;
  const SHOWN = { kind: 'shown' } as const;
  const ROTTEN = { kind: 'missing', code: 'shard_corrupt' } as const;
  const GONE = { kind: 'silent', code: 'peer_unreachable', answersProbe: false } as const;
  const LATE = { kind: 'dodged', code: 'host_busy' } as const;
  const NEW = { nowMs: 0, isBrokerAtFault: false, challenge: { unanswered: 0, containedSinceMs: null } };

  it(`none is suspended, though ${ROT} of their audits fail and some are away or busy: seed ${SEED}`, LONG, () => {
    const random = seeded(SEED);
    let suspended = 0;
    let suspicious = 0;
    for (let host = 0; host < HOSTS; host++) {
      let score = newAuditScore(POLICY);
      let wasSuspicious = false;
      for (let audit = 0; audit < AUDITS; audit++) {
        const judged = decideAuditScore(score, outcomeOfHonest(random), POLICY);
        score = judged.score;
        if (judged.verdict !== 'ok') wasSuspicious = true;
        if (judged.verdict === 'suspend') suspended++;
      }
      if (wasSuspicious) suspicious++;
    }
    expect(suspended).toBe(0);
    // Rot was there to be seen: 1 - (1 - ROT)^AUDITS of the hosts had some.
    expect(suspicious / HOSTS).toBeCloseTo(1 - (1 - ROT) ** AUDITS, 3);
  });

  const AT_ONCE = decideAuditOutcome(SHOWN, NEW, POLICY);

  /** One challenge to its end, asked again after a pause while there is no answer. */
  function outcomeOfHonest(random: () => number): AuditOutcome {
    let chance = random();
    // Nearly always; the same question has the same answer, and need not be asked so often.
    if (chance >= ROT + AWAY + BUSY) return AT_ONCE;
    let facts: OutcomeFacts = NEW;
    for (; ; chance = random()) {
      const finding = chance >= ROT + AWAY + BUSY ? SHOWN : chance < ROT ? ROTTEN : chance < ROT + AWAY ? GONE : LATE;
      const outcome = decideAuditOutcome(finding, facts, POLICY);
      const challenge = challengeAfter(facts.challenge, outcome, facts.nowMs);
      if (challenge === null) return outcome;
      facts = { ...facts, challenge, nowMs: facts.nowMs + POLICY.containedPauseMs };
    }
  }
});
