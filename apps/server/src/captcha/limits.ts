// The bounds of the CAPTCHA. At a bound a request is refused; a live challenge is never thrown out for a new one.
import { strict as assert } from 'node:assert';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

/** Characters of an answer. 8 digits to the power of 6 are 262,144 answers, and each challenge takes one guess. */
export const ANSWER_CHARS = 6;

/**
 * Open challenges in memory, some hundred bytes each; those of one network, which a whole office may share; and those of
 * all networks of one IPv6 site.
 */
export const CHALLENGES_OPEN_MAX = 50_000;
export const CHALLENGES_PER_NETWORK_MAX = 200;
export const CHALLENGES_PER_SITE_MAX = 500;
assert(CHALLENGES_PER_SITE_MAX <= CHALLENGES_OPEN_MAX / 100);

/** Renderings of one challenge. Players ask for a sound in pieces, and each piece is a rendering. */
export const PICTURES_PER_CHALLENGE_MAX = 5;
export const SOUNDS_PER_CHALLENGE_MAX = 20;

/** Pictures and sounds that one network may ask for in a minute. */
export const RENDERINGS_PER_MINUTE_MAX = 120;

/** Life of a challenge that the policy may choose, from time to type to time to forget the tab. */
export const CHALLENGE_LIFE_MS_MIN = 30 * SECOND_MS;
export const CHALLENGE_LIFE_MS_MAX = 60 * MINUTE_MS;

/** Fields that come back in a form. */
export const ANSWER_FIELD_CHARS_MAX = 64;
export const SOLUTION_FIELD_CHARS_MAX = 4 * 1024;
export const TOKEN_FIELD_CHARS_MAX = 8 * 1024;

/** An outside service: how long it may take, how long its answer may be, and how many are asked at once. */
export const SITE_VERIFY_TIMEOUT_MS = 5 * SECOND_MS;
export const SITE_VERIFY_ANSWER_BYTES_MAX = 16 * 1024;
export const SITE_VERIFY_AT_ONCE_MAX = 64;
