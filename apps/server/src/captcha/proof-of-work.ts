// A proof of work by ALTCHA: the browser computes for about a second before the form may be sent. A speed bump beside
// the picture; it asks nothing of a person and stops no machine, it only makes many attempts cost time.
import { randomBytes, randomInt } from 'node:crypto';
import { type Challenge, createChallenge, verifySolution } from 'altcha-lib';
import { deriveKey } from 'altcha-lib/algorithms/pbkdf2';
import { z } from 'zod';
import { html } from '../web/html.js';
import { CaptchaProvider, type CaptchaView, SAME_ORIGIN_ONLY } from './captcha-provider.js';
import type { ChallengeStore } from './challenge-store.js';
import { SOLUTION_FIELD_CHARS_MAX } from './limits.js';

const FIELD = 'captcha-work';
const ALGORITHM = 'PBKDF2/SHA-256';

/** Rounds of one try, and between how many tries the secret counter asks for. */
export interface Difficulty {
  readonly roundsPerTry: number;
  readonly tries: readonly [number, number];
}

/** 750 tries at the mean, of one or two milliseconds each. */
export const DIFFICULTY: Difficulty = { roundsPerTry: 5_000, tries: [500, 1_000] };

const ID = 'id';

const payloadSchema = z.strictObject({
  challenge: z.object({
    parameters: z.looseObject({ data: z.strictObject({ [ID]: z.string() }) }),
    signature: z.string(),
  }),
  solution: z.strictObject({
    counter: z.int().min(0).max(0xffff_ffff),
    derivedKey: z.string().max(128),
    time: z.number().optional(),
  }),
});

export class ProofOfWork extends CaptchaProvider {
  // Two keys, as the library wants them, made at the start: challenges do not outlive the process that knows them.
  private readonly hmacSignatureSecret = randomBytes(32).toString('hex');
  private readonly hmacKeySignatureSecret = randomBytes(32).toString('hex');

  /** open   the library takes a solution as often as it comes: this list makes it count once, for one form, for a while */
  constructor(
    private readonly open: ChallengeStore<true>,
    private readonly difficulty = DIFFICULTY,
  ) {
    super();
  }

  async challenge(form: string, remoteAddress: string): Promise<CaptchaView> {
    const { roundsPerTry, tries } = this.difficulty;
    const challenge = await createChallenge({
      algorithm: ALGORITHM,
      cost: roundsPerTry,
      counter: randomInt(tries[0], tries[1] + 1),
      data: { [ID]: this.open.add(form, true, remoteAddress) },
      deriveKey,
      hmacSignatureSecret: this.hmacSignatureSecret,
      hmacKeySignatureSecret: this.hmacKeySignatureSecret,
    });
    return {
      html: viewOf(challenge),
      scripts: ['/captcha/altcha/start.js'],
      contentSecurity: SAME_ORIGIN_ONLY,
    };
  }

  async verify(form: string, fields: Readonly<Record<string, string>>): Promise<boolean> {
    const payload = parsePayload(fields[FIELD] ?? '');
    if (payload === null) return false;
    if (this.open.take(payload.challenge.parameters.data[ID], form) === null) return false;
    const { verified } = await verifySolution({
      // The parameters are taken only if the signature over all of them is ours.
      challenge: payload.challenge as unknown as Challenge,
      solution: payload.solution as { counter: number; derivedKey: string },
      deriveKey,
      hmacSignatureSecret: this.hmacSignatureSecret,
      hmacKeySignatureSecret: this.hmacKeySignatureSecret,
    });
    return verified === true;
  }
}

type Payload = z.infer<typeof payloadSchema>;

function parsePayload(text: string): Payload | null {
  if (text === '' || text.length > SOLUTION_FIELD_CHARS_MAX) return null;
  const parsed = payloadSchema.safeParse(parseJson(Buffer.from(text, 'base64').toString('utf8')));
  return parsed.success ? parsed.data : null;
}

/** Undefined, which no schema takes, for text that is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function viewOf(challenge: Challenge): string {
  const configuration = JSON.stringify({ hideLogo: true, hideFooter: true, humanInteractionSignature: false });
  return html`<link rel="stylesheet" href="/captcha/altcha/altcha.css">
<p><altcha-widget name="${FIELD}" auto="onload" challenge="${JSON.stringify(challenge)}" configuration="${configuration}"></altcha-widget></p>
<noscript><p role="alert">This form needs JavaScript: the browser must do a short computation, which slows down programs that send many forms.</p></noscript>`.toString();
}
