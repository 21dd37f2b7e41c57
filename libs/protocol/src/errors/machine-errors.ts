// Refusals that a machine gives itself: reaching others, its home, the phrase, files, the engine.
import { type ErrorRow, row } from './error-row.js';

export const MACHINE_ERRORS = {
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
  host_address_refused: row(
    403,
    false,
    'hosts are not reached at this address or port',
    'Let the host connect from the address at which it listens, on a port above 1023; the operator may allow ranges.',
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
  home_sealed: row(
    403,
    false,
    'the secret files of this home are sealed, and there is no key to open them',
    'Run it where systemd gives the credential `peerkeep-home-key`, or name its folder in CREDENTIALS_DIRECTORY.',
  ),
  home_key_invalid: row(
    403,
    false,
    'the home key is too short, or does not open this home',
    'Give the credential `peerkeep-home-key` that this home was sealed with.',
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
