// The pages on which a person approves a machine, as a browser meets them: who may, after what, and never by accident.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CODE_GUESSES_PER_SESSION_MAX } from '../limits.js';
import { BrokerFixture } from '../testing/broker-fixture.js';
import { machineAsks, poll } from '../testing/waiting-machine.js';
import { signedIn, type WebAnswer, WebVisitor } from '../testing/web-visitor.js';

let fixture: BrokerFixture;
let visitors: WebVisitor[];

beforeEach(async () => {
  fixture = await BrokerFixture.start({}, { testMode: true });
  visitors = [];
});

afterEach(async () => {
  await Promise.all(visitors.map((visitor) => visitor.leave()));
  await fixture.remove();
});

async function person(email = 'ada@example.org'): Promise<WebVisitor> {
  const visitor = await signedIn(fixture, email);
  visitors.push(visitor);
  return visitor;
}

const typeCode = (visitor: WebVisitor, code: string, fields: object = {}): Promise<WebAnswer> =>
  visitor.submit('/enrol', { code, ...fields });

const machinePath = (code: string): string => `/enrol/machine?code=${code}`;

describe('the approval of a machine', () => {
  it('is for people who are signed in; others come back to it with its code', async () => {
    const stranger = await WebVisitor.come(fixture);
    visitors.push(stranger);
    const answer = await stranger.get('/enrol?code=WDJB-MJHT');
    expect([answer.status, answer.headers.location]).toEqual([
      303,
      `/sign-in?next=${encodeURIComponent('/enrol?code=WDJB-MJHT')}`,
    ]);
    const signIn = await stranger.get(String(answer.headers.location));
    expect(signIn.text).toContain('/register?next=%2Fenrol%3Fcode%3DWDJB-MJHT');
    const { asked } = await machineAsks(fixture);
    expect((await stranger.get(machinePath(asked.userCode))).status).toBe(303);
  });

  it('takes the code with the CAPTCHA only (B2)', async () => {
    const visitor = await person();
    const { userCode } = (await machineAsks(fixture)).asked;
    const unsolved = await typeCode(visitor, userCode, { 'captcha-answer': '2222' });
    expect(unsolved.status).toBe(422);
    expect((await visitor.get(machinePath(userCode))).status).toBe(410);
    const solved = await typeCode(visitor, userCode);
    expect([solved.status, solved.headers.location]).toEqual([303, machinePath(userCode)]);
    expect((await visitor.get(machinePath(userCode))).status).toBe(200);
  });

  it('needs a decision in a form of this browser, and lets in nobody else’s machine', async () => {
    const visitor = await person();
    const other = await person('eve@example.org');
    const machine = await machineAsks(fixture);
    const { userCode } = machine.asked;
    await typeCode(visitor, userCode);
    expect((await visitor.submit(machinePath(userCode), { code: userCode })).status).toBe(400);
    const foreign = await visitor.post('/enrol/machine', { code: userCode, decision: 'approved' });
    expect(foreign.status).toBe(403);
    // Eve has a form token of her own, and a code that was shown to somebody else.
    const token = /name="form_token" value="([^"]+)"/.exec((await other.get('/enrol')).text)![1]!;
    const fields = { form_token: token, code: userCode, decision: 'approved' };
    expect((await other.post('/enrol/machine', fields)).status).toBe(410);
    expect(await poll(fixture, machine)).toBe('enrolment_pending');

    const approved = await visitor.submit(machinePath(userCode), { decision: 'approved' });
    expect(approved.status).toBe(200);
    expect(approved.text).toContain('close this window');
    expect(await poll(fixture, machine)).toBe(200);
  });

  it('fills in nothing that is no code', async () => {
    const visitor = await person();
    const { text } = await visitor.get('/enrol?code=%22%3E%3Cscript%3E');
    expect(text).not.toContain('<script');
    expect(text).toMatch(/<input id="code"[^>]* value=""/);
  });

  it('is refused for a while after too many wrong codes, for the right one too', async () => {
    const visitor = await person();
    const { userCode } = (await machineAsks(fixture)).asked;
    for (let i = 0; i < CODE_GUESSES_PER_SESSION_MAX; i++) {
      expect((await typeCode(visitor, 'BCDF-GHJK')).status).toBe(422);
    }
    expect((await typeCode(visitor, userCode)).status).toBe(429);
  });
});
