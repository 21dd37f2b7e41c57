/**
 * Every refusal that Peerkeep can give, by stable code (SPEC.md §9).
 *
 * A row says what HTTP status carries the code, whether the same request may succeed later unchanged, what happened
 * (`title`, for people) and what the person should do (`hint`). Codes are part of the wire contract: add, never rename.
 */
export interface ErrorRow {
  readonly status: number;
  readonly retryable: boolean;
  readonly title: string;
  readonly hint: string;
}

const row = (status: number, retryable: boolean, title: string, hint: string): ErrorRow => ({
  status,
  retryable,
  title,
  hint,
});

const askAgain = 'Ask the broker for a new token.';
const checkClock = 'Check the clock of this machine.';

export const ERRORS = {
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
  token_in_use: row(409, true, 'a transfer with this token is running', 'Wait for that transfer to end.'),
  token_burned: row(409, false, 'the token has been used', askAgain),
  token_released_too_often: row(409, false, 'the token was cut off by the network too often', askAgain),
  token_wrong_op: row(403, false, 'the token does not allow this operation', askAgain),
  token_wrong_content: row(403, false, 'the token is for another shard', askAgain),
  replay_list_full: row(
    503,
    true,
    'the host cannot remember more tokens',
    'Try again when tokens have expired, or use another host.',
  ),

  // Shards on a host (SPEC §6).
  shard_unknown: row(404, false, 'the host does not have this shard', 'Fetch other shards of the object.'),
  shard_corrupt: row(422, false, 'the stored shard no longer has its content id', 'Fetch other shards of the object.'),
  shard_too_short: row(422, false, 'fewer bytes came than the token says', 'Send the whole shard.'),
  shard_too_long: row(413, false, 'more bytes came than the token says', 'Send exactly the shard.'),
  shard_content_mismatch: row(
    422,
    false,
    'the bytes do not have the content id that the token names',
    'Code the object again.',
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
  stopping: row(503, true, 'the broker is shutting down', 'Try again shortly.'),

  // Registration and peers.
  enrolment_key_invalid: row(
    403,
    false,
    'the enrolment key is unknown, used up or expired',
    'Ask the operator for a new enrolment key.',
  ),
  enrolment_credential_missing: row(
    401,
    false,
    'enrolment needs an enrolment key or a recovery proof',
    'Give --key KEY.',
  ),
  csr_invalid: row(
    400,
    false,
    'the certificate request is malformed or not signed by its key',
    'Make a new P-256 certificate request.',
  ),
  recovery_proof_invalid: row(
    403,
    false,
    'no account has this recovery phrase',
    'Check the words and their order, and the join link.',
  ),
  recovery_key_exists: row(
    409,
    false,
    'this account has a recovery phrase already',
    'Use `peerkeep recover` with that phrase.',
  ),
  peer_suspended: row(403, false, 'this peer is suspended', 'Ask the operator why.'),

  // Placement, objects, ledger.
  not_enough_hosts: row(
    503,
    true,
    'too few hosts are online for this redundancy',
    'Try again when more hosts are online.',
  ),
  redundancy_changed: row(
    409,
    true,
    'the code of this object is not what the policy asks for',
    'Ask for the redundancy again and code the object again.',
  ),
  object_unknown: row(404, false, 'no such object in this account', 'List the objects again.'),
  object_conflict: row(409, false, 'an object with this id and other content exists', 'Use a new object id.'),
  object_unavailable: row(
    503,
    true,
    'too few hosts of this object are online',
    'Try again when more hosts are online.',
  ),
  credit_exceeded: row(402, false, 'the account has not enough credit', 'Share more disk, or delete old snapshots.'),
  transaction_unknown: row(
    404,
    false,
    'the broker issued no such transaction',
    'Check which broker this peer belongs to.',
  ),

  // Same-domain handshake and reaching things (D1-D3).
  broker_unreachable: row(
    503,
    true,
    'the broker does not answer',
    'Check the network and the address in the join link.',
  ),
  broker_untrusted: row(
    502,
    false,
    'the other side does not have the certificate of the broker',
    'Check that the join link is right; somebody may be in between.',
  ),
  peer_unreachable: row(503, true, 'the peer does not answer', 'It may be offline; another host will be used.'),
  peer_untrusted: row(
    403,
    false,
    'the other side is not the expected peer of this trust domain',
    'Tell the operator: a peer shows the wrong certificate.',
  ),
  join_link_invalid: row(
    400,
    false,
    'the join link is malformed',
    'Copy the whole line `peerkeep://host:port/#…` that the broker printed.',
  ),

  // On this machine: home, phrase, files, engine.
  home_missing: row(
    400,
    false,
    'there is no Peerkeep home in this folder',
    'Run `peerkeep init` or `peerkeep-agent enrol` first, or give --home.',
  ),
  home_exists: row(409, false, 'this home belongs to a peer already', 'Use another --home.'),
  home_in_use: row(409, true, 'another peerkeep command runs in this home', 'Wait for it to end, or stop it.'),
  data_dir_in_use: row(
    409,
    true,
    'another process runs on this data directory',
    'Stop that process, or give another directory.',
  ),
  data_dir_corrupt: row(
    500,
    false,
    'a file of the data directory is missing or damaged',
    'Restore the data directory from its backup.',
  ),
  policy_invalid: row(400, false, 'the policy file is wrong', 'Correct the fields named, or remove them.'),
  data_dir_missing: row(
    400,
    false,
    'there is no broker in this data directory',
    'Run `peerkeep-server start` with this --data-dir once.',
  ),
  home_corrupt: row(500, false, 'a file of the home is damaged', 'Restore the home, or enrol again in a new one.'),
  secret_file_exposed: row(
    403,
    false,
    'a secret file can be read by others',
    'Run chmod 600 on it, and renew the key if others had access.',
  ),
  master_key_missing: row(400, false, 'this home has no master key', 'Run `peerkeep init` or `peerkeep recover`.'),
  phrase_invalid: row(
    400,
    false,
    'the recovery phrase is not valid',
    'Type the 24 words in order; one is misspelt or missing.',
  ),
  path_missing: row(400, false, 'the folder or file does not exist', 'Check the path.'),
  file_unreadable: row(
    500,
    false,
    'a file or folder could not be read and was left out',
    'Check its permissions, or exclude it.',
  ),
  file_changed: row(
    409,
    false,
    'a file changed while it was read',
    'Back up again when it is quiet; what was stored may be of two versions.',
  ),
  target_not_empty: row(409, false, 'the target folder is not empty', 'Restore into a new or empty folder.'),
  snapshot_unknown: row(404, false, 'no such snapshot', 'Run `peerkeep snapshots`.'),
  object_damaged: row(422, false, 'an object does not open under its key', 'Run `peerkeep check --read-data`.'),
  chunk_missing: row(404, false, 'a chunk is in no object', 'Run `peerkeep check`.'),
  chunk_index_full: row(
    507,
    false,
    'the index of chunks on this machine is full',
    'Back up some of the folders from another home.',
  ),
  format_unsupported: row(422, false, 'the stored format is newer than this program', 'Update Peerkeep.'),
  name_hostile: row(
    422,
    false,
    'a stored name would leave the target folder',
    'The entry was skipped; the snapshot may be forged.',
  ),
  name_taken: row(
    409,
    false,
    'the restore made another entry with this name already',
    'The entry was skipped; this disk may not tell upper from lower case.',
  ),
  snapshot_damaged: row(
    422,
    false,
    'a stored snapshot, folder list or index is malformed',
    'Run `peerkeep check`, or use another snapshot.',
  ),
  local_disk: row(500, false, 'a read or write on the local disk failed', 'Check free space and permissions.'),
  usage: row(400, false, 'the command was used wrongly', 'See --help.'),
  interrupted: row(499, true, 'stopped by the person', 'Run the same command again; it goes on from there.'),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

/** Small facts for logs and problem documents. Never secrets, tokens or plaintext names of files in a store. */
export type ErrorFacts = Readonly<Record<string, string | number | boolean | null>>;

/**
 * The one error class for expected refusals. Match on `code`, never on the text.
 *
 * facts   what may be told to whoever asked
 * cause   what only the log may know
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';

  constructor(
    readonly code: ErrorCode,
    readonly facts: ErrorFacts = {},
    options: { cause?: unknown; detail?: string } = {},
  ) {
    super(options.detail ?? ERRORS[code].title, options.cause === undefined ? undefined : { cause: options.cause });
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }

  get hint(): string {
    return ERRORS[this.code].hint;
  }
}

export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(ERRORS, text);
}

/** True for a ProtocolError, of that code when one is given. */
export function isRefusal(error: unknown, code?: ErrorCode): error is ProtocolError {
  return error instanceof ProtocolError && (code === undefined || error.code === code);
}
