// Refusals of what peers and broker say to each other: tokens, shards, receipts, messages, requests.
import { type ErrorRow, row } from './error-row.js';

const askAgain = 'Ask the broker for a new token.';
const checkClock = 'Check the clock of this machine.';

export const EXCHANGE_ERRORS = {
  // Tokens (SPEC §4). Before the MAC holds there is one code only: token_invalid.
  token_missing: row(401, false, 'the request carries no token', askAgain),
  token_invalid: row(401, false, 'the token is malformed or not sealed for this host', askAgain),
  token_claims_invalid: row(401, false, 'the token is authentic but its claims break the schema', askAgain),
  token_wrong_domain: row(403, false, 'the token is for another trust domain', askAgain),
  token_wrong_host: row(403, false, 'the token is for another host', askAgain),
  token_wrong_client: row(
    403,
    false,
    'the token was issued to another client',
    'Use the certificate of the peer that asked for the token.',
  ),
  token_not_yet_valid: row(401, true, 'the token is not valid yet', checkClock),
  token_expired: row(410, false, 'the token has expired', askAgain),
  token_predates_restart: row(410, false, 'the host stopped uncleanly after this token was issued', askAgain),
  host_unconfirmed: row(
    503,
    true,
    'the host waits for the broker to confirm that it remembers all tokens',
    'Try again shortly, or use another host.',
  ),
  token_in_use: row(409, true, 'a transfer with this token is running', 'Wait for that transfer to end.'),
  token_burned: row(409, false, 'the token has been used', askAgain),
  token_released_too_often: row(409, false, 'the token was cut off by the network too often', askAgain),
  token_client_revoked: row(
    403,
    false,
    'the broker has withdrawn the tokens of this client',
    'Ask the broker for a new token; it says why when it gives none.',
  ),
  token_wrong_op: row(403, false, 'the token does not allow this operation', askAgain),
  token_wrong_content: row(403, false, 'the token is for another shard', askAgain),
  token_budget_spent: row(
    409,
    false,
    'the token has no bytes or uses left for this',
    'Ask the broker for a new token.',
  ),
  replay_list_full: row(
    503,
    true,
    'the host cannot remember more tokens',
    'Try again when tokens have expired, or use another host.',
  ),

  // Shards on a host (SPEC §6).
  shard_unknown: row(404, false, 'the host does not have this shard', 'Fetch other shards of the object.'),
  shard_corrupt: row(422, false, 'the stored shard no longer has its content id', 'Fetch other shards of the object.'),
  shard_retained: row(
    409,
    false,
    'the shard is to be kept for longer, and nobody may delete it before',
    'Delete it after the time that is named.',
  ),
  // What a host should hold (SPEC §8.4). Said by a host to its owner: nothing was put into the trash.
  keep_filter_incomplete: row(
    502,
    true,
    'what the broker says that this host should hold is incomplete',
    'Nothing was put away, and the host asks again; tell the operator of the broker when it stays so.',
  ),
  keep_filter_older: row(
    409,
    true,
    'the broker knows less than it did before: its database may be an older copy',
    'Nothing was put away, and the host asks again; tell the operator of the broker.',
  ),
  keep_filter_held_back: row(
    409,
    true,
    'the broker does not know much of what this host holds',
    'See `peerkeep-agent keep-filter`; when it is right, `peerkeep-agent keep-filter --accept` lets it go.',
  ),
  shard_put_again: row(
    409,
    false,
    'the shard was put again after this deletion was permitted',
    'Ask the broker for a new token, if it is still to go.',
  ),
  batch_position_wrong: row(
    409,
    true,
    'the host has done another number of items of this batch',
    'Go on from the position that is named.',
  ),
  shard_too_short: row(422, false, 'fewer bytes came than the token says', 'Send the whole shard.'),
  shard_too_long: row(413, false, 'more bytes came than the token says', 'Send exactly the shard.'),
  shard_content_mismatch: row(
    422,
    false,
    'the bytes do not have the content id that the token names',
    'Code the object again.',
  ),
  range_invalid: row(
    416,
    false,
    'the range is malformed, several, or outside of the shard',
    'Ask for one range of bytes within the shard.',
  ),
  host_full: row(507, false, 'the host has no donated space left', 'Ask the broker for another host.'),
  host_read_only: row(
    503,
    false,
    'a disk write failed and the host takes no more shards',
    'Ask the broker for another host.',
  ),
  host_busy: row(429, true, 'the host serves as many transfers as it can', 'Try again shortly.'),
  host_stopping: row(503, true, 'the host is shutting down', 'Try again, or ask the broker for another host.'),
  report_outbox_full: row(
    503,
    true,
    'the host has too many receipts that the broker has not taken',
    'Use another host until the broker is back.',
  ),
  transfer_too_slow: row(408, true, 'the transfer fell below the least rate', 'Try again on a better connection.'),

  // Receipts (SPEC §7).
  receipt_invalid: row(
    422,
    false,
    'the receipt is malformed or not signed by its host',
    'Report this host to the operator.',
  ),
  receipt_mismatch: row(422, false, 'the receipt is for another transaction', 'Report this host to the operator.'),

  // Control messages (SPEC §5).
  signature_missing: row(401, false, 'the message is not signed', 'Sign the message with the transaction key.'),
  signature_invalid: row(
    401,
    false,
    'the signature of the message does not hold',
    'Enrol again if this machine lost its key.',
  ),
  digest_mismatch: row(401, false, 'the body is not the one that was signed', 'Send the message again.'),
  key_unknown: row(401, false, 'no such peer or transaction key', 'Enrol this machine again.'),
  message_stale: row(401, true, 'the message is too old or from the future', checkClock),
  message_replayed: row(409, false, 'the message has been received before', 'Sign a new message.'),
  message_predates_restart: row(401, true, 'the message was made before the broker started', 'Sign the message again.'),
  nonce_list_full: row(503, true, 'the broker cannot remember more messages', 'Try again shortly.'),
  answer_untrusted: row(
    502,
    false,
    'the answer does not carry the signature of the broker',
    'Check that the join link is right; somebody may be in between.',
  ),

  // Requests to the broker.
  request_invalid: row(400, false, 'the request breaks its schema', 'See the field named in the detail.'),
  request_too_large: row(413, false, 'the request is too large', 'Ask for fewer things at once.'),
  route_unknown: row(404, false, 'there is no such route', 'See /docs on the broker.'),
  rate_exceeded: row(429, true, 'too many requests', 'Wait, then try again.'),
  overloaded: row(503, true, 'the broker has as much work as it can hold', 'Try again shortly.'),
  internal: row(500, true, 'the server made a mistake', 'Try again; if it stays, tell the operator the trace id.'),
  not_ready: row(
    503,
    true,
    'the broker cannot do its work at the moment',
    'The cause says why; the admin interface tells more.',
  ),
  stopping: row(503, true, 'the broker is shutting down', 'Try again shortly.'),
} as const satisfies Record<string, ErrorRow>;
