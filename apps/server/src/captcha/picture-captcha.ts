// The CAPTCHA that needs nobody else: distorted digits as a picture, and the same digits as a sound (B2).
import { randomBytes } from 'node:crypto';
import { ProtocolError } from '#protocol';
import { html } from '../web/html.js';
import { isAnswer, randomAnswer } from './captcha-answer.js';
import { CaptchaProvider, type CaptchaView, SAME_ORIGIN_ONLY } from './captcha-provider.js';
import type { ChallengeStore } from './challenge-store.js';
import { ANSWER_CHARS, PICTURES_PER_CHALLENGE_MAX, SOUNDS_PER_CHALLENGE_MAX } from './limits.js';
import { drawPicture, PICTURE_HEIGHT, PICTURE_WIDTH } from './picture/draw-picture.js';
import { encodePng } from './picture/encode-png.js';
import { randomFrom } from './random-source.js';
import { SAMPLE_RATE } from './sound/clips.js';
import { encodeWav } from './sound/encode-wav.js';
import { mixSound } from './sound/mix-sound.js';

const ID_FIELD = 'captcha-id';
const ANSWER_FIELD = 'captcha-answer';
const SEED_BYTES = 16;

/** What the broker knows about an open picture; it leaves as pixels and samples only. */
export interface PictureSecret {
  readonly answer: string;
  picturesLeft: number;
  soundsLeft: number;
  soundSeed: Uint8Array;
}

export class PictureCaptcha extends CaptchaProvider {
  constructor(private readonly open: ChallengeStore<PictureSecret>) {
    super();
  }

  async challenge(form: string, remoteAddress: string): Promise<CaptchaView> {
    const secret = {
      answer: randomAnswer(),
      picturesLeft: PICTURES_PER_CHALLENGE_MAX,
      soundsLeft: SOUNDS_PER_CHALLENGE_MAX,
      soundSeed: randomBytes(SEED_BYTES),
    };
    const id = this.open.add(form, secret, remoteAddress);
    return { html: viewOf(id), scripts: [], contentSecurity: SAME_ORIGIN_ONLY };
  }

  async verify(form: string, fields: Readonly<Record<string, string>>): Promise<boolean> {
    const secret = this.open.take(fields[ID_FIELD] ?? '', form);
    return secret !== null && isAnswer(fields[ANSWER_FIELD] ?? '', secret.answer);
  }

  /**
   * A PNG of the challenge, drawn anew each time.
   *
   * throws   captcha_unknown when it is not open, rate_exceeded when it has been drawn often enough
   */
  async picture(id: string): Promise<Buffer> {
    const secret = this.find(id);
    if (secret.picturesLeft === 0) throw new ProtocolError('rate_exceeded');
    secret.picturesLeft--;
    return encodePng(drawPicture(secret.answer, randomFrom(randomBytes(SEED_BYTES))));
  }

  /**
   * A WAV of the challenge.
   *
   * again    true mixes the same sound as the last time: a player that fetches pieces must find them to fit
   * throws   as `picture`
   */
  sound(id: string, again: boolean): Buffer {
    const secret = this.find(id);
    if (secret.soundsLeft === 0) throw new ProtocolError('rate_exceeded');
    secret.soundsLeft--;
    if (!again) secret.soundSeed = randomBytes(SEED_BYTES);
    return encodeWav(mixSound(secret.answer, randomFrom(secret.soundSeed)), SAMPLE_RATE);
  }

  /** For the test mode's route only. throws captcha_unknown */
  answerOf(id: string): string {
    return this.find(id).answer;
  }

  private find(id: string): PictureSecret {
    const secret = this.open.find(id);
    if (secret === null) throw new ProtocolError('captcha_unknown');
    return secret;
  }
}

/**
 * The link without an address loads the page again, which makes a new challenge without any script. A browser takes the
 * query of the page along: a form that must not lose it has it in its action, for the page that answers a wrong try.
 */
function viewOf(id: string): string {
  return html`<fieldset class="captcha">
<legend>Are you a person?</legend>
<p><img src="/captcha/${id}/picture.png" width="${PICTURE_WIDTH}" height="${PICTURE_HEIGHT}" alt="${ANSWER_CHARS} distorted digits. If you cannot read them, the sound that follows says the same digits."></p>
<p><audio controls preload="none" src="/captcha/${id}/sound.wav" aria-label="The ${ANSWER_CHARS} digits, spoken in English over noise"></audio></p>
<p><label for="captcha-answer">The ${ANSWER_CHARS} digits that you see or hear</label>
<input id="captcha-answer" name="${ANSWER_FIELD}" type="text" inputmode="numeric" autocomplete="off" spellcheck="false" maxlength="24" required aria-describedby="captcha-hint">
<input type="hidden" name="${ID_FIELD}" value="${id}"></p>
<p id="captcha-hint">Only the digits 2 to 9 occur. Picture and sound ask the same question. <a href="">Load the page again for another one</a>; what you have typed is lost.</p>
</fieldset>`.toString();
}
