// Enrolment by a person's approval, at the broker: what a machine may ask, what a person sees, and once only (B1, B2, B4).
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLog } from '#process';
import {
  type AccountId,
  decodeBase64url,
  type EnrolRequest,
  encodeBase64url,
  POLL_SLOWER_MS,
  TransactionKey,
} from '#protocol';
import {
  CODE_GUESSES_PER_SESSION_MAX,
  CODE_LOCK_OUT_MS,
  DEVICE_GRANTS_PER_NETWORK_MAX,
  DEVICE_GRANTS_PER_SITE_MAX,
} from '../limits.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import type { Session } from '../sessions/session.js';
import { BrokerFixture } from '../testing/broker-fixture.js';
import { enrol, makeIdentity, TestPeer } from '../testing/test-peer.js';
import { authorize, poll, type WaitingMachine, machineAsks as waitingMachine } from '../testing/waiting-machine.js';
import { ApproveMachine } from './approve-machine.js';
import { DeviceGrantEntity } from './device-grant.entity.js';
import { insertGrant, useApprovedGrant } from './device-grants.js';

const LIFE_MS = 15 * 60_000;
const INTERVAL_MS = 5_000;
const NETWORK = '198.51.100.7';

let fixture: BrokerFixture;
let database: BrokerDatabase;
let approve: ApproveMachine;
let person: Session;

beforeEach(async () => {
  fixture = await BrokerFixture.start();
  database = await BrokerDatabase.open(join(fixture.dataDir, 'broker.db'));
  approve = new ApproveMachine(database, fixture.clock, openLog('test', 'silent'));
  person = await signedIn();
});

afterEach(async () => {
  await database.close();
  await fixture.remove();
});

/** Somebody with an account of their own, signed in. */
async function signedIn(): Promise<Session> {
  const { accountId } = (await TestPeer.enrol(fixture)).enrolled;
  return sessionOf(accountId);
}

function sessionOf(accountId: AccountId): Session {
  const idHash = encodeBase64url(randomBytes(32));
  return { idHash, accountId, signedInAtMs: fixture.clock.nowMs(), csrfToken: 'token' };
}

const machineAsks = (): Promise<WaitingMachine> => waitingMachine(fixture);

const enrolment = ({ csr, asked }: WaitingMachine): ReturnType<typeof enrol> =>
  enrol(fixture, { csr, credential: { kind: 'device-code', deviceCode: asked.deviceCode } });

/** A poll that keeps to the interval. */
async function patientPoll(machine: WaitingMachine): Promise<string | number> {
  fixture.clock.advance(INTERVAL_MS);
  return poll(fixture, machine);
}

async function approved(machine: WaitingMachine, session = person): Promise<void> {
  const code = await approve.show(machine.asked.userCode, session, NETWORK);
  expect(code).toBe(machine.asked.userCode);
  expect(await approve.decide(code!, session, 'approved')).toBe(true);
}

describe('a machine that asks', () => {
  it('gets codes that live a quarter of an hour, and a page on this broker', async () => {
    const { asked } = await machineAsks();
    expect(asked).toMatchObject({ expiresInMs: LIFE_MS, intervalMs: INTERVAL_MS });
    expect(asked.verificationUri).toBe(`${fixture.url}/enrol`);
    expect(asked.verificationUriComplete).toBe(`${fixture.url}/enrol?code=${asked.userCode}`);
  });

  it('leaves nothing with the broker that enrols', async () => {
    const machine = await machineAsks();
    const rows = await database.reads.find(DeviceGrantEntity);
    expect(rows).toMatchObject([{ csr: machine.csr, state: 'waiting', accountId: null, network: '127.0.0.1' }]);
    expect(JSON.stringify(rows)).not.toContain(machine.asked.deviceCode);
  });

  it.each([
    ['csr_invalid', { csr: encodeBase64url(randomBytes(200)) }],
    ['request_invalid', { program: 'agent\u001b[2J' }],
    ['request_invalid', { purpose: 'operator' }],
    ['request_invalid', { name: 'Not A Name' }],
  ])('is refused with %s for %j', async (code, changes) => {
    const { csr } = await makeIdentity();
    expect((await authorize(fixture, { csr, ...changes })).body.code).toBe(code);
  });

  it('is one of so many from one network, until those have expired', async () => {
    const { csr } = await makeIdentity();
    for (let i = 0; i < DEVICE_GRANTS_PER_NETWORK_MAX; i++)
      expect((await authorize(fixture, { csr })).status).toBe(200);
    expect((await authorize(fixture, { csr })).body.code).toBe('rate_exceeded');
    fixture.clock.advance(LIFE_MS);
    expect((await authorize(fixture, { csr })).status).toBe(200);
  });

  it('is one of so many from one IPv6 site, whatever networks it has', async () => {
    const { csr } = await makeIdentity();
    let asked = 0;
    const ask = (network: string): Promise<boolean> =>
      database.write((db) => {
        const codes = { userCode: `CODE-${++asked}`, deviceCode: `device ${asked}` };
        const times = { createdAtMs: fixture.clock.nowMs(), expiresAtMs: fixture.clock.nowMs() + LIFE_MS };
        const told = { csr, name: 'box', purpose: 'client', program: 'p' } as const;
        return insertGrant(db, { ...codes, ...times, ...told, fingerprint: 'f', network });
      });
    for (let i = 0; i < DEVICE_GRANTS_PER_SITE_MAX; i++) expect(await ask(`2001:db8:0:${i % 200}::/64`)).toBe(true);
    await expect(ask('2001:db8:0:ffff::/64')).rejects.toMatchObject({ code: 'rate_exceeded' });
    expect(await ask('2001:db8:1:ffff::/64')).toBe(true);
  });
});

describe('a machine that waits', () => {
  it('is enrolled into the account of the person who approved, exactly once', async () => {
    const machine = await machineAsks();
    expect(await poll(fixture, machine)).toBe('enrolment_pending');
    await approved(machine);
    const answers = await Promise.all([enrolment(machine), enrolment(machine), enrolment(machine)]);
    const letIn = answers.filter(({ status }) => status === 200);
    expect(letIn).toHaveLength(1);
    const { accountId, transactionKey } = letIn[0]!.body;
    expect(accountId).toBe(person.accountId);
    expect(new TransactionKey(decodeBase64url(transactionKey)!).kid).toMatch(/^[0-9a-f]{16}$/);
    for (const { code } of answers.filter(({ status }) => status !== 200)) {
      expect(['enrolment_expired', 'csr_invalid']).toContain(code);
    }
    expect(await poll(fixture, machine)).toBe('enrolment_expired');
    expect(await database.reads.count(DeviceGrantEntity)).toBe(0);
  });

  it('survives a restart of the broker, before and after the approval', async () => {
    const machine = await machineAsks();
    await fixture.stop();
    await fixture.startAgain();
    expect(await patientPoll(machine)).toBe('enrolment_pending');
    await approved(machine);
    await fixture.stop();
    await fixture.startAgain();
    expect(await patientPoll(machine)).toBe(200);
  });

  it('is told once that it was refused, and again', async () => {
    const machine = await machineAsks();
    const code = await approve.show(machine.asked.userCode, person, NETWORK);
    expect(await approve.decide(code!, person, 'refused')).toBe(true);
    expect(await poll(fixture, machine)).toBe('enrolment_refused');
    expect(await poll(fixture, machine)).toBe('enrolment_refused');
    expect(await approve.decide(code!, person, 'approved')).toBe(false);
  });

  it('has waited in vain when the code expires, approved or not, and its row goes', async () => {
    const machine = await machineAsks();
    const late = await machineAsks();
    await approved(late);
    fixture.clock.advance(LIFE_MS);
    expect(await poll(fixture, machine)).toBe('enrolment_expired');
    expect(await poll(fixture, late)).toBe('enrolment_expired');
    expect(await approve.show(machine.asked.userCode, person, NETWORK)).toBeNull();
    await fixture.broker.endExpiredNow();
    expect(await database.reads.count(DeviceGrantEntity)).toBe(0);
  });

  it('needs the approval in the very unit that enrols', async () => {
    const { csr, asked } = await machineAsks();
    await approve.show(asked.userCode, person, NETWORK);
    const { deviceCode } = asked;
    const request: EnrolRequest = { csr, name: 'box', credential: { kind: 'device-code', deviceCode } };
    const used = database.write((db) => useApprovedGrant(db, request, deviceCode, fixture.clock.nowMs()));
    await expect(used).rejects.toMatchObject({ code: 'enrolment_expired' });
  });

  it('must ask with the request and the name that the person was shown', async () => {
    const machine = await machineAsks();
    await approved(machine);
    const { csr } = await makeIdentity();
    expect(await poll(fixture, { ...machine, csr })).toBe('enrolment_expired');
    expect(await poll(fixture, machine, 'other')).toBe('enrolment_expired');
    const deviceCode = encodeBase64url(randomBytes(32));
    expect(await poll(fixture, { ...machine, asked: { ...machine.asked, deviceCode } })).toBe('enrolment_expired');
    expect(await poll(fixture, machine)).toBe(200);
  });

  it('is slowed down when it asks too often, by five seconds more each time (RFC 8628 §3.5)', async () => {
    const machine = await machineAsks();
    const other = await machineAsks();
    const pollAfter = async (ms: number): Promise<string | number> => {
      fixture.clock.advance(ms);
      return await poll(fixture, machine);
    };
    expect(await pollAfter(0)).toBe('enrolment_pending');
    expect(await pollAfter(INTERVAL_MS)).toBe('enrolment_pending');
    expect(await pollAfter(INTERVAL_MS / 2)).toBe('enrolment_poll_too_fast');
    expect(await pollAfter(INTERVAL_MS)).toBe('enrolment_poll_too_fast');
    expect(await poll(fixture, other)).toBe('enrolment_pending');
    expect(await pollAfter(INTERVAL_MS + 2 * POLL_SLOWER_MS)).toBe('enrolment_pending');
    // An approval is not held back by the pace.
    await approved(machine);
    expect(await pollAfter(0)).toBe(200);
  });
});

describe('a person', () => {
  it('sees what asks: name, purpose, program, network, time and the fingerprint of its key', async () => {
    const machine = await machineAsks();
    const code = await approve.show(machine.asked.userCode.toLowerCase(), person, NETWORK);
    expect(await approve.find(code!, person)).toMatchObject({
      name: 'box',
      purpose: 'host',
      program: 'peerkeep-agent',
      network: '127.0.0.1',
      createdAtMs: fixture.clock.nowMs(),
      fingerprint: expect.stringMatching(/^(?:[0-9a-f]{4} ){4}[0-9a-f]{4}$/),
    });
  });

  it('can read and decide only what was shown to the own account, last', async () => {
    const machine = await machineAsks();
    const { userCode } = machine.asked;
    const other = await signedIn();
    expect(await approve.find(userCode, person)).toBeNull();
    expect(await approve.decide(userCode, person, 'approved')).toBe(false);
    await approve.show(userCode, other, NETWORK);
    await approve.show(userCode, person, NETWORK);
    expect(await approve.find(userCode, other)).toBeNull();
    expect(await approve.decide(userCode, other, 'approved')).toBe(false);
    expect(await poll(fixture, machine)).toBe('enrolment_pending');
    expect(await approve.decide(userCode, person, 'approved')).toBe(true);
    expect(await patientPoll(machine)).toBe(200);
  });

  it('learns the same of codes that never were, are used, decided, or expired', async () => {
    const [used, refused, expired] = [await machineAsks(), await machineAsks(), await machineAsks()];
    await approved(used);
    await poll(fixture, used);
    await approve.show(refused.asked.userCode, person, NETWORK);
    await approve.decide(refused.asked.userCode, person, 'refused');
    const codes = ['BCDF-GHJK', 'nonsense', used.asked.userCode, refused.asked.userCode];
    for (const code of codes) expect(await approve.show(code, sessionOf(person.accountId), NETWORK)).toBeNull();
    fixture.clock.advance(LIFE_MS);
    expect(await approve.show(expired.asked.userCode, sessionOf(person.accountId), NETWORK)).toBeNull();
  });

  it('is locked out after too many wrong codes, also for the right one, for a while', async () => {
    const machine = await machineAsks();
    for (let i = 0; i < CODE_GUESSES_PER_SESSION_MAX; i++) {
      expect(await approve.show('BCDF-GHJK', person, NETWORK)).toBeNull();
    }
    const { userCode } = machine.asked;
    await expect(approve.show(userCode, person, NETWORK)).rejects.toMatchObject({ code: 'rate_exceeded' });
    fixture.clock.advance(CODE_LOCK_OUT_MS);
    const next = await machineAsks();
    expect(await approve.show(next.asked.userCode, person, NETWORK)).toBe(next.asked.userCode);
  });
});
