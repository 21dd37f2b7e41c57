// Refusals about visits: the web pages of a peer, and the links under which it shares files.
import { type ErrorRow, row } from './error-row.js';

export const VISIT_ERRORS = {
  share_gone: row(
    404,
    false,
    'this link leads nowhere: it has ended, is used up, was withdrawn, or never was',
    'Ask whoever sent it for a new one.',
  ),
  share_key_wrong: row(403, false, 'the key in the link does not open this file', 'Copy the whole link, to its end.'),
  share_damaged: row(422, false, 'the file does not arrive as it was sealed', 'Try again; then ask for a new link.'),
  share_link_invalid: row(400, false, 'this is no link to a shared file', 'Copy the whole link, to its end.'),
  shares_full: row(
    409,
    false,
    'this home shares as much as it may',
    'Withdraw what is not needed with `peerkeep share revoke`.',
  ),
  visits_full: row(503, true, 'this peer serves as many visitors as it can', 'Try again shortly.'),
  sign_in_invalid: row(
    403,
    false,
    'this sign-in link was used, or is too old',
    'Run `peerkeep-agent web sign-in` for a new one.',
  ),
  sign_in_needed: row(401, false, 'this page is for the owner of the peer', 'Run `peerkeep-agent web sign-in`.'),
} as const satisfies Record<string, ErrorRow>;
