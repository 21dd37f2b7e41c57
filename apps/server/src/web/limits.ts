// The bounds of the web pages.
import { strict as assert } from 'node:assert';
import { CONTROL_BODY_BYTES_MAX } from '#protocol';

/** Bytes and fields of one submitted form. */
export const FORM_BODY_BYTES_MAX = 16 * 1024;
export const FORM_FIELDS_MAX = 64;
assert(FORM_BODY_BYTES_MAX < CONTROL_BODY_BYTES_MAX);

/** Characters of the own path to which a sign-in returns. */
export const NEXT_PATH_CHARS_MAX = 512;

/** How long a browser keeps the style sheet; its address changes with its content. */
export const ASSET_LIFE_SECONDS = 365 * 24 * 60 * 60;
