// B2: a proof of work counts once, in time, for its own form, and only on the very challenge that the broker made.
import { type Challenge, solveChallenge } from 'altcha-lib';
import { deriveKey } from 'altcha-lib/algorithms/pbkdf2';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '#process';
import { ChallengeStore } from './challenge-store.js';
import { ProofOfWork } from './proof-of-work.js';

const LIFE_MS = 300_000;
const HERE = '192.0.2.1';
const EASY = { roundsPerTry: 1_000, tries: [5, 20] } as const;

let clock: FakeClock;
let work: ProofOfWork;

beforeEach(() => {
  clock = new FakeClock(1_800_000_000_000);
  work = new ProofOfWork(new ChallengeStore<true>(clock, LIFE_MS), EASY);
});

interface Payload {
  challenge: Challenge;
  solution: { counter: number; derivedKey: string; time?: number };
}

const UNESCAPED: Readonly<Record<string, string>> = {
  '&quot;': '"',
  '&#39;': "'",
  '&lt;': '<',
  '&gt;': '>',
  '&amp;': '&',
};

/** What the widget does in the browser. */
async function solve(form = 'register'): Promise<Payload> {
  const { html } = await work.challenge(form, HERE);
  const attribute = / challenge="([^"]+)"/.exec(html)?.[1] ?? '';
  const challenge = JSON.parse(
    attribute.replace(/&(?:quot|#39|lt|gt|amp);/g, (text) => UNESCAPED[text] ?? ''),
  ) as Challenge;
  const solution = await solveChallenge({ challenge, deriveKey });
  if (solution === null) throw new Error('not solved');
  return { challenge, solution };
}

const verify = (payload: unknown, form = 'register'): Promise<boolean> =>
  work.verify(form, { 'captcha-work': Buffer.from(JSON.stringify(payload)).toString('base64') });

describe('ProofOfWork (B2)', () => {
  it('counts once', async () => {
    const payload = await solve();
    expect(await verify(payload)).toBe(true);
    expect(await verify(payload)).toBe(false);
  });

  it('counts for its own form and in time only', async () => {
    expect(await verify(await solve('sign-in'))).toBe(false);
    const late = await solve();
    clock.advance(LIFE_MS);
    expect(await verify(late)).toBe(false);
  });

  it('needs the work', async () => {
    const { challenge, solution } = await solve();
    expect(await verify({ challenge, solution: { ...solution, counter: 0, derivedKey: '00'.repeat(32) } })).toBe(false);
  });

  it('takes no challenge that was changed, or that another broker made', async () => {
    const { challenge, solution } = await solve();
    const easier = { ...challenge, parameters: { ...challenge.parameters, cost: 1 } };
    expect(await verify({ challenge: easier, solution })).toBe(false);
    const mine = await solve();
    const other = work;
    work = new ProofOfWork(new ChallengeStore<true>(clock, LIFE_MS), EASY);
    expect(await verify(mine)).toBe(false);
    // Another challenge's id under a sound solution: the id is part of what is signed.
    work = other;
    const { challenge: fresh } = await solve();
    const swapped = { ...mine.challenge, parameters: { ...mine.challenge.parameters, data: fresh.parameters.data } };
    expect(await verify({ challenge: swapped, solution: mine.solution })).toBe(false);
  });

  it('takes nothing else', async () => {
    for (const text of ['', 'x', 'bm8=', 'e30=', Buffer.from('[]').toString('base64'), 'x'.repeat(100_000)]) {
      expect(await work.verify('register', { 'captcha-work': text })).toBe(false);
    }
    expect(await work.verify('register', {})).toBe(false);
  });

  it('loads its widget from our own origin, and tells people without JavaScript', async () => {
    const view = await work.challenge('register', HERE);
    for (const address of [...view.scripts, ...[...view.html.matchAll(/href="([^"]+)"/g)].map(([, href]) => href!)]) {
      expect(address).toMatch(/^\/captcha\/altcha\//);
    }
    expect(Object.values(view.contentSecurity).flat()).toEqual([]);
    expect(view.html).toContain('<noscript>');
  });
});
