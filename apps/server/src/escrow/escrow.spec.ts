// Escrow at the running broker (B7): who may put a key there, who gets it back and when, and every way in which others do not.
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type AskEscrowKeyAnswer,
  type ClaimRecoveryAnswer,
  type EscrowRecovery,
  type EscrowStatusAnswer,
  encodeBase64url,
  openMasterKey,
  TransactionKey,
  unwrapEscrowKey,
  unwrapTransactionKey,
} from '#protocol';
import { RECOVERIES_WAITING_PER_ACCOUNT_MAX } from '../limits.js';
import { changePeerState } from '../peers/change-peer-state.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { BrokerFixture } from '../testing/broker-fixture.js';
import {
  type AskingMachine,
  approve as approveBy,
  askToJoin,
  enrolApproved,
  putInEscrow as leaveInEscrow,
} from '../testing/escrow-machines.js';
import { SmtpStandIn } from '../testing/smtp-stand-in.js';
import { TestPeer } from '../testing/test-peer.js';
import { PASSWORD, signedIn, WebVisitor } from '../testing/web-visitor.js';

const EMAIL = 'ada@example.org';
const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

let fixture: BrokerFixture;
let server: SmtpStandIn;
let person: WebVisitor;
let laptop: TestPeer;
const masterKey = randomBytes(32);
const recoveryKey = encodeBase64url(randomBytes(32));

beforeEach(async () => {
  server = await SmtpStandIn.start();
  const mail = { kind: 'smtp', from: 'broker@backup.example' };
  fixture = await BrokerFixture.start({ mail }, { testMode: true, smtpUrl: server.url });
  person = await register(EMAIL);
  laptop = await letIn('client');
  expect((await laptop.post('/v1/recovery-key', { publicKey: recoveryKey })).status).toBe(200);
});
afterEach(async () => {
  await person.leave();
  await fixture.remove();
  await server.stop();
});

/** With mail the registration goes by a link. */
async function register(email: string): Promise<WebVisitor> {
  const visitor = await WebVisitor.come(fixture);
  await visitor.submit('/register', { email, name: 'Ada', password: PASSWORD });
  await visitor.submit(await mailedPath('confirm'), { password: PASSWORD });
  await visitor.submit('/sign-in', { email, password: PASSWORD });
  return visitor;
}

/** The path of the link in the next mail. */
async function mailedPath(path: 'confirm' | 'reset'): Promise<string> {
  const { text } = await server.next();
  return new RegExp(`/${path}\\?token=[\\w-]+`).exec(text)![0];
}

const machineAsks = (purpose: string): Promise<AskingMachine> => askToJoin(fixture, purpose);
const approve = (asking: AskingMachine): Promise<void> => approveBy(asking, person, EMAIL);
const enrolled = (asking: AskingMachine): Promise<TestPeer> => enrolApproved(fixture, asking);

async function letIn(purpose: string): Promise<TestPeer> {
  const asking = await machineAsks(purpose);
  await approve(asking);
  return enrolled(asking);
}

const putInEscrow = (): ReturnType<typeof leaveInEscrow> => leaveInEscrow(laptop, masterKey);

const ask = (peer: TestPeer) => peer.post<EscrowRecovery>('/v1/escrow-recoveries', {});
const claim = (peer: TestPeer, id: string) => peer.post<ClaimRecoveryAnswer>(`/v1/escrow-recoveries/${id}/claim`, {});
const cancel = (peer: TestPeer, id: string) => peer.post(`/v1/escrow-recoveries/${id}/cancel`, {});
const status = async (peer: TestPeer) => (await peer.get<EscrowStatusAnswer>('/v1/escrow')).body;

async function waitingMachine(): Promise<{ machine: TestPeer; id: string }> {
  const machine = await letIn('recovery');
  const { body, code } = await ask(machine);
  expect(code).toBeUndefined();
  return { machine, id: body.recoveryId };
}

function opened(machine: TestPeer, { escrowId, sealedKey, wrappedKey }: ClaimRecoveryAnswer): Uint8Array {
  const { accountId, peerId } = machine.enrolled;
  const name = { accountId, escrowId };
  return openMasterKey(sealedKey, { ...name, key: unwrapEscrowKey(wrappedKey, name, machine.key, peerId) });
}

async function withRows<T>(use: (database: BrokerDatabase) => Promise<T>): Promise<T> {
  const database = await BrokerDatabase.open(join(fixture.dataDir, 'broker.db'));
  return use(database).finally(() => database.close());
}

describe('an account that chose escrow', () => {
  it('gets its key back on a new machine after a sign-in and the waiting time, once', async () => {
    await putInEscrow();
    const { machine, id } = await waitingMachine();
    expect((await claim(machine, id)).code).toBe('escrow_recovery_waiting');
    fixture.clock.advance(DAY_MS - 1);
    expect((await claim(machine, id)).code).toBe('escrow_recovery_waiting');
    fixture.clock.advance(1);
    expect((await ask(machine)).body).toMatchObject({ recoveryId: id, state: 'ready', remainingMs: 0 });
    const { body } = await claim(machine, id);
    expect(opened(machine, body)).toEqual(new Uint8Array(masterKey));
    expect(body.recoveryKey).toBe(recoveryKey);

    expect((await claim(machine, id)).code).toBe('escrow_recovery_unknown');
    // Whoever lost the answer waits once more, and everybody hears of it once more.
    const again = (await ask(machine)).body;
    expect(again).toMatchObject({ state: 'waiting', remainingMs: DAY_MS });
    expect(again.recoveryId).not.toBe(id);
    expect((await status(laptop)).events.map(({ kind }) => kind)).toEqual([
      'recovery-asked',
      'recovery-given',
      'recovery-asked',
      'recovery-approved',
      'stored',
      'key-asked',
    ]);
  });

  it('hears of a recovery by mail, on its page and on every machine', async () => {
    await putInEscrow();
    const { machine, id } = await waitingMachine();
    const { text: mail } = await server.next();
    expect(mail).toContain('24 hours');
    expect(mail).toContain(`${fixture.url}/account`);
    expect((await status(laptop)).recoveries).toMatchObject([
      { recoveryId: id, peerId: machine.peerId, state: 'waiting' },
    ]);
    const { text } = await person.get('/account');
    expect(text).toContain('asks for the key to your backups');
    expect(text).toContain('Stop this recovery');
  });

  it.each([
    ['another machine of the account', async (id: string) => (await cancel(laptop, id)).code],
    [
      'a person on the account page',
      async () => {
        const answer = await person.submit('/account', { action: '/account/escrow/stop' });
        return answer.status === 303 ? undefined : answer.text;
      },
    ],
    ['turning escrow off', async () => (await laptop.post('/v1/escrow-removals', {})).code],
  ])('is safe from a recovery that is stopped by %s, for good', async (_what, stop) => {
    await putInEscrow();
    const { machine, id } = await waitingMachine();
    fixture.clock.advance(DAY_MS - 1);
    expect(await stop(id)).toBeUndefined();
    fixture.clock.advance(2 * DAY_MS);
    expect((await claim(machine, id)).code).toBe('escrow_recovery_cancelled');
    expect((await ask(machine)).code).toBe('escrow_recovery_cancelled');
    expect((await status(laptop)).recoveries).toEqual([]);
  });

  it('can stop a machine whose wait is over, as long as it has not fetched the key; twice is as good as once', async () => {
    await putInEscrow();
    const { machine, id } = await waitingMachine();
    fixture.clock.advance(2 * DAY_MS);
    // The link of the mail leads here, by a sign-in when the session has ended meanwhile.
    const page = await person.get('/account');
    expect(page.headers.location).toBe('/sign-in?next=%2Faccount');
    await person.submit('/sign-in', { email: EMAIL, password: PASSWORD });
    const shown = await person.get('/account');
    expect(shown.text).toContain('It gets the key at any moment');
    for (let i = 0; i < 2; i++) {
      const { headers } = await person.fillIn(shown, { action: '/account/escrow/stop' });
      expect(headers.location).toBe('/account?done=recovery');
    }
    expect((await cancel(laptop, id)).code).toBeUndefined();
    expect((await claim(machine, id)).code).toBe('escrow_recovery_cancelled');
    const kinds = (await status(laptop)).events.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'recovery-cancelled')).toHaveLength(1);
  });

  it('is told what to do when it stops a machine that has the key already', async () => {
    await putInEscrow();
    const { machine, id } = await waitingMachine();
    const shown = await person.get('/account');
    fixture.clock.advance(DAY_MS);
    expect((await claim(machine, id)).code).toBeUndefined();
    expect((await cancel(laptop, id)).code).toBe('escrow_recovery_given');
    await person.submit('/sign-in', { email: EMAIL, password: PASSWORD });
    const token = /name="form_token" value="([^"]+)"/.exec((await person.get('/account')).text)![1]!;
    const late = await person.fillIn(shown, { action: '/account/escrow/stop', form_token: token });
    const told = await person.get(String(late.headers.location));
    expect(told.text).toMatch(/<div role="alert"><p>Too late: .* Revoke it now/);
  });

  it('does not take a form that another site sent for one that stops a recovery', async () => {
    await putInEscrow();
    const { id } = await waitingMachine();
    const foreign = await person.post('/account/escrow/stop', { recovery: id });
    expect(foreign.status).toBe(403);
    expect((await status(laptop)).recoveries).toHaveLength(1);
  });

  it('waits anew when the password is reset by mail, so that a stolen mailbox gets nothing at once', async () => {
    await putInEscrow();
    const { machine, id } = await waitingMachine();
    fixture.clock.advance(DAY_MS - HOUR_MS);
    await server.next();
    await person.submit('/forgot', { email: EMAIL });
    expect((await person.submit(await mailedPath('reset'), { password: 'another long password' })).status).toBe(200);
    await fixture.broker.endExpiredNow();
    fixture.clock.advance(DAY_MS - 1);
    expect((await claim(machine, id)).code).toBe('escrow_recovery_waiting');
    fixture.clock.advance(1);
    expect((await claim(machine, id)).code).toBeUndefined();
  });

  it('keeps nothing from which its second key could be derived, once it turned escrow off', async () => {
    const { escrowId, sealedKey } = await putInEscrow();
    expect((await laptop.post('/v1/escrow-keys', {})).code).toBe('escrow_exists');
    expect((await laptop.post('/v1/escrow-removals', {})).code).toBeUndefined();
    const machine = await letIn('recovery');
    expect((await ask(machine)).code).toBe('escrow_missing');
    const tables = await withRows(async (database) => {
      const names = await database.reads.query<{ name: string }[]>(
        "SELECT name FROM sqlite_master WHERE type = 'table'",
      );
      return Promise.all(names.map(({ name }) => database.reads.query(`SELECT * FROM "${name}"`)));
    });
    expect(JSON.stringify(tables)).not.toContain(escrowId);
    expect(JSON.stringify(tables)).not.toContain(sealedKey);
    // On again is another escrow, under another key.
    expect((await putInEscrow()).escrowId).not.toBe(escrowId);
  });
});

describe('the waiting time', () => {
  it('goes on after a restart, and is not shortened by one', async () => {
    await putInEscrow();
    const { machine, id } = await waitingMachine();
    fixture.clock.advance(DAY_MS / 2);
    await fixture.broker.endExpiredNow();
    await fixture.stop();
    // A broker that is switched off tells nobody, and nobody can object.
    fixture.clock.advance(2 * DAY_MS);
    await fixture.startAgain();
    await fixture.broker.endExpiredNow();
    expect((await ask(machine)).body).toMatchObject({ recoveryId: id, remainingMs: DAY_MS / 2 });
    fixture.clock.advance(DAY_MS / 2);
    expect((await claim(machine, id)).code).toBeUndefined();
  });

  it('does not follow a clock that is set forward', async () => {
    await putInEscrow();
    const { machine, id } = await waitingMachine();
    fixture.clock.setWallMs(fixture.clock.nowMs() + 2 * DAY_MS);
    await fixture.broker.endExpiredNow();
    expect((await claim(machine, id)).code).toBe('escrow_recovery_waiting');
    fixture.clock.advance(DAY_MS);
    expect((await claim(machine, id)).code).toBeUndefined();
  });

  it('ends with the same key when the key-encryption key turned over meanwhile', async () => {
    await putInEscrow();
    const { machine, id } = await waitingMachine();
    const sealed = () => withRows(async ({ reads }) => (await reads.query('SELECT * FROM escrow_secrets')) as object[]);
    const before = await sealed();
    expect(before).toHaveLength(1);
    await fixture.broker.askForKeyRotation();
    await fixture.broker.noticeChangesNow();
    expect(await sealed()).not.toEqual(before);
    fixture.clock.advance(DAY_MS);
    expect(opened(machine, (await claim(machine, id)).body)).toEqual(new Uint8Array(masterKey));
  });
});

describe('several that wait', () => {
  it('are one when the same machine asks again: no second mail, no second wait', async () => {
    await putInEscrow();
    const { machine, id } = await waitingMachine();
    expect((await server.next()).text).toContain('24 hours');
    fixture.clock.advance(HOUR_MS);
    expect((await ask(machine)).body).toMatchObject({ recoveryId: id, remainingMs: DAY_MS - HOUR_MS });
    expect((await status(laptop)).events.filter(({ kind }) => kind === 'recovery-asked')).toHaveLength(1);
    // The next mail is of the next machine.
    fixture.clock.advance(HOUR_MS);
    const second = await waitingMachine();
    expect((await server.next()).text).toContain('asks for the key');
    fixture.clock.advance(DAY_MS - 2 * HOUR_MS);
    expect((await claim(second.machine, second.id)).code).toBe('escrow_recovery_waiting');
    expect((await claim(machine, id)).code).toBeUndefined();
    expect((await server.next()).text).toContain('has it now');
  });

  it('are stopped one by one', async () => {
    await putInEscrow();
    const first = await waitingMachine();
    const second = await waitingMachine();
    expect((await cancel(laptop, first.id)).code).toBeUndefined();
    expect((await status(laptop)).recoveries.map(({ recoveryId }) => recoveryId)).toEqual([second.id]);
    fixture.clock.advance(DAY_MS);
    expect((await claim(first.machine, first.id)).code).toBe('escrow_recovery_cancelled');
    expect(opened(second.machine, (await claim(second.machine, second.id)).body)).toEqual(new Uint8Array(masterKey));
  });

  it('are not too many, and those that were revoked take no place', async () => {
    await putInEscrow();
    const waiting = [];
    for (let i = 0; i < RECOVERIES_WAITING_PER_ACCOUNT_MAX; i++) waiting.push((await waitingMachine()).machine);
    const last = await letIn('recovery');
    expect((await ask(last)).code).toBe('rate_exceeded');
    await laptop.post(`/v1/peers/${waiting[0]!.peerId}/revoke`, { reason: 'not mine' });
    expect((await ask(last)).code).toBeUndefined();
    const shown = (await status(laptop)).recoveries.map(({ peerId }) => peerId);
    expect(shown.sort()).toEqual([...waiting.slice(1), last].map(({ peerId }) => peerId).sort());
  });
});

describe('an account whose machines are suspended', () => {
  it('gets no key and stops nothing by them; its person still can, and a machine that is resumed goes on', async () => {
    await putInEscrow();
    const { machine, id } = await waitingMachine();
    // The page shows the older one first; of one millisecond, nobody could say which that is.
    fixture.clock.advance(1);
    const second = await waitingMachine();
    const operate = async (action: 'suspend' | 'resume') => {
      for (const { peerId } of [laptop, machine, second.machine]) {
        const change = { peerId, action, by: 'operator', reason: '', ofAccount: null } as const;
        await withRows((rows) => rows.write((db) => changePeerState(db, { ...change, atMs: fixture.clock.nowMs() })));
      }
    };
    await operate('suspend');
    fixture.clock.advance(DAY_MS);
    await fixture.broker.noticeChangesNow();
    expect((await claim(machine, id)).code).toBe('peer_suspended');
    expect((await ask(machine)).code).toBe('peer_suspended');
    expect((await cancel(laptop, id)).code).toBe('peer_suspended');
    expect((await laptop.post('/v1/escrow-removals', {})).code).toBe('peer_suspended');
    await person.submit('/sign-in', { email: EMAIL, password: PASSWORD });
    const stopped = await person.submit('/account', { action: '/account/escrow/stop' });
    expect(stopped.headers.location).toBe('/account?done=recovery');
    await operate('resume');
    await fixture.broker.noticeChangesNow();
    expect((await claim(machine, id)).code).toBe('escrow_recovery_cancelled');
    expect((await claim(second.machine, second.id)).code).toBeUndefined();
  });
});

describe('nobody else gets the key', () => {
  it('not a machine that was let in for something else, nor one of another account', async () => {
    await putInEscrow();
    const { id } = await waitingMachine();
    fixture.clock.advance(DAY_MS);
    const stranger = await TestPeer.enrol(fixture);
    for (const peer of [laptop, await letIn('client'), await letIn('host'), stranger]) {
      expect((await ask(peer)).code).toBe('escrow_recovery_not_approved');
      expect((await claim(peer, id)).code).toBe('escrow_recovery_not_approved');
    }
    expect((await cancel(stranger, id)).code).toBe('escrow_recovery_unknown');
    expect((await claim(await letIn('recovery'), id)).code).toBe('escrow_recovery_unknown');
  });

  it('not a browser in which somebody was signed in before the machine asked', async () => {
    await putInEscrow();
    fixture.clock.advance(60_000);
    const asking = await machineAsks('recovery');
    fixture.clock.advance(1_000);
    const shown = await person.submit('/enrol', { code: asking.userCode });
    const page = await person.get(String(shown.headers.location));
    expect([page.status, page.headers.location]).toEqual([303, expect.stringContaining('/sign-in?next=')]);
    // Nor by sending the form at once: its token is in every page.
    const token = /name="form_token" value="([^"]+)"/.exec((await person.get('/account')).text)![1]!;
    const sent = await person.post('/enrol/machine', {
      form_token: token,
      code: asking.userCode,
      decision: 'approved',
    });
    expect([sent.status, sent.headers.location]).toEqual([303, expect.stringContaining('/sign-in?next=')]);
    await approve(asking);
    expect((await ask(await enrolled(asking))).code).toBeUndefined();
  });

  it('says on the approval page what is at stake', async () => {
    const asking = await machineAsks('recovery');
    const shown = await person.submit('/enrol', { code: asking.userCode });
    const page = await person.get(String(shown.headers.location));
    expect(page.text).toMatch(/<h2>This machine will be able to read all your backups<\/h2>/);
  });

  it('not a machine that is revoked while it waits', async () => {
    await putInEscrow();
    const { machine, id } = await waitingMachine();
    await laptop.post(`/v1/peers/${machine.peerId}/revoke`, { reason: 'not mine' });
    fixture.clock.advance(DAY_MS);
    expect((await claim(machine, id)).code).toBe('peer_revoked');
    expect((await status(laptop)).recoveries).toEqual([]);
  });

  it('not whoever sends the message of the machine once more, or has its answer but not its key', async () => {
    await putInEscrow();
    const { machine, id } = await waitingMachine();
    fixture.clock.advance(DAY_MS);
    const nonce = randomBytes(16);
    const path = `/v1/escrow-recoveries/${id}/claim`;
    const { body } = await machine.post<ClaimRecoveryAnswer>(path, {}, { nonce });
    expect((await machine.post(path, {}, { nonce })).code).toBe('message_replayed');
    const { accountId, peerId } = machine.enrolled;
    const name = { accountId, escrowId: body.escrowId };
    const other = new TransactionKey(randomBytes(32));
    expect(() => unwrapEscrowKey(body.wrappedKey, name, other, peerId)).toThrow();
    expect(() => unwrapEscrowKey(body.wrappedKey, name, laptop.key, laptop.peerId)).toThrow();
    // What carries a second key is never taken for the next transaction key.
    expect(() => unwrapTransactionKey(body.wrappedKey, machine.key, peerId)).toThrow();
  });

  it('and a machine that waits takes nothing away from its owner', async () => {
    await putInEscrow();
    const { machine, id } = await waitingMachine();
    const second = await waitingMachine();
    expect((await machine.post('/v1/escrow-removals', {})).code).toBe('escrow_not_allowed');
    expect((await machine.post('/v1/escrow-keys', {})).code).toBe('escrow_not_allowed');
    expect((await cancel(machine, second.id)).code).toBe('escrow_not_allowed');
    expect((await cancel(machine, id)).code).toBeUndefined();
  });
});

describe('what is stored', () => {
  it('is what the machine that asked for the key sealed, and is not written over', async () => {
    const asked = (await laptop.post<AskEscrowKeyAnswer>('/v1/escrow-keys', {})).body;
    const other = await letIn('client');
    const body = { escrowId: asked.escrowId, sealedKey: encodeBase64url(randomBytes(60)) };
    expect((await other.post('/v1/escrow', body)).code).toBe('escrow_unknown');
    const { escrowId, sealedKey } = await putInEscrow();
    expect((await laptop.post('/v1/escrow', body)).code).toBe('escrow_exists');
    expect((await laptop.post('/v1/escrow', { escrowId, sealedKey })).code).toBeUndefined();
  });

  it('is refused of an account in which nobody could sign in to recover', async () => {
    const alone = await TestPeer.enrol(fixture);
    expect((await alone.post('/v1/escrow-keys', {})).code).toBe('escrow_without_sign_in');
  });

  it('is no secret of the broker before the first account asks for one', async () => {
    const count = () =>
      withRows(
        async ({ reads }) => (await reads.query<{ n: number }[]>('SELECT COUNT(*) AS n FROM escrow_secrets'))[0]!.n,
      );
    expect(await count()).toBe(0);
    const { key } = await putInEscrow();
    expect(await count()).toBe(1);
    const stored = await withRows(async ({ reads }) =>
      JSON.stringify(await reads.query('SELECT * FROM escrows, escrow_secrets')),
    );
    for (const secret of [key, masterKey]) expect(stored).not.toContain(encodeBase64url(secret));
    expect(createHash('sha256').update(key).digest()).not.toEqual(createHash('sha256').update(masterKey).digest());
  });
});

describe('a lab', () => {
  it('may have no waiting time', async () => {
    await fixture.remove();
    fixture = await BrokerFixture.start({ escrowWaitMs: 0 }, { testMode: true });
    await person.leave();
    person = await signedIn(fixture, EMAIL);
    laptop = await letIn('client');
    await laptop.post('/v1/recovery-key', { publicKey: recoveryKey });
    await putInEscrow();
    const { machine, id } = await waitingMachine();
    expect(opened(machine, (await claim(machine, id)).body)).toEqual(new Uint8Array(masterKey));
  });
});
