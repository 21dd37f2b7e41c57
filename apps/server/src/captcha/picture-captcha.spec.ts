// B2: the picture and its sound ask one question, answered once; the answer leaves the broker in no readable form.
import { inflateSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '#process';
import { isRefusal } from '#protocol';
import { ChallengeStore } from './challenge-store.js';
import { PICTURES_PER_CHALLENGE_MAX, SOUNDS_PER_CHALLENGE_MAX } from './limits.js';
import { PictureCaptcha, type PictureSecret } from './picture-captcha.js';

const LIFE_MS = 300_000;
const HERE = '192.0.2.1';

let clock: FakeClock;
let captcha: PictureCaptcha;

beforeEach(() => {
  clock = new FakeClock(1_800_000_000_000);
  captcha = new PictureCaptcha(new ChallengeStore<PictureSecret>(clock, LIFE_MS));
});

async function open(form = 'register'): Promise<{ id: string; answer: string; html: string }> {
  const { html } = await captcha.challenge(form, HERE);
  const id = /name="captcha-id" value="([^"]+)"/.exec(html)?.[1] ?? '';
  return { id, answer: captcha.answerOf(id), html };
}

const fields = (id: string, answer: string): Record<string, string> => ({
  'captcha-id': id,
  'captcha-answer': answer,
});

async function codeOf(act: () => unknown): Promise<string> {
  try {
    await act();
  } catch (error) {
    if (isRefusal(error)) return error.code;
    throw error;
  }
  return 'done';
}

describe('PictureCaptcha (B2)', () => {
  it('takes the right answer once', async () => {
    const { id, answer } = await open();
    expect(answer).toMatch(/^[2-9]{6}$/);
    expect(await captcha.verify('register', fields(id, answer))).toBe(true);
    expect(await captcha.verify('register', fields(id, answer))).toBe(false);
  });

  it('takes the digits as people type them', async () => {
    for (const typed of [
      (answer: string) => ` ${answer.slice(0, 3)} ${answer.slice(3)} `,
      (answer: string) => answer.split('').join('-'),
      (answer: string) => answer.replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit))),
    ]) {
      const { id, answer } = await open();
      expect(await captcha.verify('register', fields(id, typed(answer)))).toBe(true);
    }
  });

  it('is used up by a wrong answer', async () => {
    const { id, answer } = await open();
    const wrong = answer.replace(/^./, (digit) => (digit === '2' ? '3' : '2'));
    expect(await captcha.verify('register', fields(id, wrong))).toBe(false);
    expect(await captcha.verify('register', fields(id, answer))).toBe(false);
  });

  it('takes no answer that is late, of another form, of another challenge, or missing', async () => {
    const late = await open();
    clock.advance(LIFE_MS);
    expect(await captcha.verify('register', fields(late.id, late.answer))).toBe(false);
    const other = await open('sign-in');
    expect(await captcha.verify('register', fields(other.id, other.answer))).toBe(false);
    const [one, two] = [await open(), await open()];
    expect(await captcha.verify('register', fields(one.id, `${two.answer}2`))).toBe(false);
    expect(await captcha.verify('register', {})).toBe(false);
    expect(await captcha.verify('register', fields(two.id, ''))).toBe(false);
    expect(await captcha.verify('register', fields('', ''))).toBe(false);
  });

  it('says the answer neither in the page, nor in the id, nor beside the pixels and samples', async () => {
    const { id, answer, html } = await open();
    expect(html).not.toContain(answer);
    expect(id).not.toContain(answer);
    expect(Buffer.from(id, 'base64').toString('latin1')).not.toContain(answer);
    const png = await captcha.picture(id);
    const wav = captcha.sound(id, false);
    for (const file of [png, wav]) expect(file.toString('latin1')).not.toContain(answer);
    expect(chunksOf(png).map(({ type }) => type)).toEqual(expect.arrayContaining(['IHDR', 'IDAT', 'IEND']));
    for (const { type } of chunksOf(png)) expect(['IHDR', 'gAMA', 'IDAT', 'IEND']).toContain(type);
    // Nothing stands in the RIFF file but its format and its samples.
    expect(wav.readUInt32LE(40)).toBe(wav.length - 44);
  });

  it('serves people without a screen, without a mouse and without JavaScript', async () => {
    const view = await captcha.challenge('register', HERE);
    expect(view.scripts).toEqual([]);
    for (const part of [
      /<img [^>]*alt="[^"]{20,}"/,
      /<audio controls[^>]*aria-label="[^"]+"/,
      /<label for="captcha-answer">/,
      /<input id="captcha-answer"[^>]*autocomplete="off"/,
      /<a href="">/,
    ]) {
      expect(view.html).toMatch(part);
    }
  });

  it('draws and mixes anew each time, and the same sound again for a player that fetches pieces', async () => {
    const { id } = await open();
    const pixels = async (): Promise<Buffer> => pixelsOf(await captcha.picture(id));
    expect((await pixels()).equals(await pixels())).toBe(false);
    const sound = captcha.sound(id, false);
    expect(captcha.sound(id, true).equals(sound)).toBe(true);
    expect(captcha.sound(id, false).equals(sound)).toBe(false);
  });

  it('draws and mixes a bounded number of times, and nothing that is not open', async () => {
    const { id, answer } = await open();
    for (let i = 0; i < PICTURES_PER_CHALLENGE_MAX; i++) expect(await codeOf(() => captcha.picture(id))).toBe('done');
    expect(await codeOf(() => captcha.picture(id))).toBe('rate_exceeded');
    for (let i = 0; i < SOUNDS_PER_CHALLENGE_MAX; i++) captcha.sound(id, i % 2 === 0);
    expect(await codeOf(() => captcha.sound(id, true))).toBe('rate_exceeded');
    expect(await captcha.verify('register', fields(id, answer))).toBe(true);
    expect(await codeOf(() => captcha.picture(id))).toBe('captcha_unknown');
    expect(await codeOf(() => captcha.sound('no-such-id', false))).toBe('captcha_unknown');
  });
});

function chunksOf(png: Buffer): { type: string; data: Buffer }[] {
  const chunks: { type: string; data: Buffer }[] = [];
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    chunks.push({ type: png.toString('latin1', at + 4, at + 8), data: png.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  return chunks;
}

const pixelsOf = (png: Buffer): Buffer =>
  inflateSync(Buffer.concat(chunksOf(png).flatMap(({ type, data }) => (type === 'IDAT' ? [data] : []))));
