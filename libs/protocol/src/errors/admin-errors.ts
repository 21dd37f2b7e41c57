// Refusals of the operator's interface: its keys, its roles, changes that come twice, policies.
import { type ErrorRow, row } from './error-row.js';

export const ADMIN_ERRORS = {
  admin_key_invalid: row(
    401,
    false,
    'the admin key is missing, unknown, revoked or expired',
    'Make one with `peerkeep-server admin-key create`, and send it as `Authorization: Bearer KEY`.',
  ),
  session_missing: row(401, false, 'nobody is signed in here, or the session has ended', 'Sign in again.'),
  session_stale: row(
    403,
    false,
    'the password was given too long ago for that',
    'Sign in again, and do it within a quarter of an hour.',
  ),
  admin_role_missing: row(
    403,
    false,
    'the role of this admin key does not allow that',
    'Use a key of the role that the facts name.',
  ),
  origin_foreign: row(
    403,
    false,
    'a web page of another site asked for that',
    'Open the pages of this listener itself, or ask without a browser.',
  ),
  idempotency_key_reused: row(
    409,
    false,
    'another request was made under this idempotency key',
    'Choose a new key for each request, and the same one only to repeat it.',
  ),
  admin_log_broken: row(
    500,
    false,
    'the admin log is not what was written',
    'Keep the data directory as it is, and find out who could write in it.',
  ),
  account_unknown: row(404, false, 'no such account', 'List the accounts again.'),
  admin_key_unknown: row(404, false, 'no such admin key', 'List the admin keys again.'),
  enrolment_key_unknown: row(404, false, 'no such enrolment key', 'List the enrolment keys again.'),
  policy_version_unknown: row(404, false, 'no such version of the policy', 'List the versions again.'),
  policy_changed: row(
    409,
    false,
    'the policy has changed since this change of it was begun',
    'Read the current version, and make the change in that one.',
  ),
} as const satisfies Record<string, ErrorRow>;
