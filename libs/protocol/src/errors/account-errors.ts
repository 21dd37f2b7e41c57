// Refusals about who takes part and what is kept: enrolment, peers, web pages, placement, objects, groups.
import { type ErrorRow, row } from './error-row.js';

export const ACCOUNT_ERRORS = {
  // Registration and peers.
  enrolment_key_invalid: row(
    403,
    false,
    'the enrolment key is unknown, used up or expired',
    'Ask the operator for a new enrolment key.',
  ),
  enrolment_pending: row(
    409,
    true,
    'nobody has approved this enrolment yet',
    'Open the page that the machine names, and approve it there.',
  ),
  enrolment_poll_too_fast: row(429, true, 'the machine asks more often than it may', 'Wait five seconds longer.'),
  enrolment_refused: row(
    403,
    false,
    'the person who was asked refused this enrolment',
    'Run the command again if that was a mistake.',
  ),
  enrolment_expired: row(
    410,
    false,
    'no enrolment waits for this machine: nobody approved it in time, or it has been used',
    'Run the command again, and approve the new code in time.',
  ),
  captcha_unknown: row(
    404,
    false,
    'this picture has expired or has been answered',
    'Load the page again for a new one.',
  ),
  captcha_unavailable: row(
    503,
    true,
    'the service that tells people from programs does not answer',
    'Try again shortly; if it stays, tell the operator.',
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
  home_restored: row(
    409,
    false,
    'this home is an older copy, or runs on two machines',
    'Stop every other agent of this home, then run `peerkeep-agent accept-restore`.',
  ),
  peer_revoked: row(
    403,
    false,
    'this peer has been revoked',
    'It takes no part any more; enrol the machine again in a new home.',
  ),
  peer_append_only: row(
    403,
    false,
    'this machine may add and not delete',
    'Use another machine of the account, or let this one delete again on the account page.',
  ),
  peer_unknown: row(404, false, 'no such peer in this account', 'The account page and `peerkeep peers ls` list them.'),

  // Escrow of a master key.
  escrow_missing: row(
    404,
    false,
    'this account has no key in escrow',
    'Recover with the 24 words: `peerkeep recover` without --escrow.',
  ),
  escrow_exists: row(
    409,
    false,
    'this account has a key in escrow already',
    'Nothing needs doing; for another one run `peerkeep escrow off` first.',
  ),
  escrow_unknown: row(
    409,
    false,
    'the broker waits for no such escrow',
    'Run `peerkeep escrow on` again: another machine asked since, or turned it off.',
  ),
  escrow_without_sign_in: row(
    409,
    false,
    'nobody can sign in to this account, so nobody could recover from its escrow',
    'Register on the pages of the broker and let the machine in there; or keep the 24 words.',
  ),
  escrow_not_allowed: row(
    403,
    false,
    'this machine was let in to recover and has not been given the key',
    'Finish the recovery first, or use another machine of the account, or the account page.',
  ),
  escrow_recovery_not_approved: row(
    403,
    false,
    'nobody approved a recovery from escrow for this machine',
    'Run `peerkeep recover --escrow` in a new home (--home), and approve it on the page.',
  ),
  escrow_recovery_waiting: row(
    409,
    true,
    'the waiting time of this recovery is not over',
    'Run the same command later; `peerkeep escrow status` tells when.',
  ),
  escrow_recovery_unknown: row(
    404,
    false,
    'no such recovery waits in this account',
    'The account page and `peerkeep escrow status` list those that wait.',
  ),
  escrow_recovery_cancelled: row(
    403,
    false,
    'this recovery was stopped by the account',
    'If it was yours, run `peerkeep recover --escrow` in a new home; choose a new password if you did not stop it.',
  ),
  escrow_recovery_given: row(
    409,
    false,
    'the machine of this recovery was given the key already',
    'Revoke that machine and choose a new password; what it has read by then cannot be taken back.',
  ),
  escrow_mismatch: row(
    422,
    false,
    'what the broker keeps in escrow is not the key of this account',
    'Nothing was kept. Recover with the 24 words, and tell the operator.',
  ),

  // Web pages.
  form_foreign: row(
    403,
    false,
    'the form was not sent from a page of this site',
    'Open the page again, allow cookies, and send the form once more.',
  ),
  link_invalid: row(
    410,
    false,
    'the link is unknown, has been used, or has expired',
    'Ask for a new link; only the newest mail counts.',
  ),

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
  ledger_conflict: row(
    409,
    false,
    'the same movement of credit has been made with other content',
    'Tell the operator; nothing was moved.',
  ),
  ledger_unsound: row(
    500,
    false,
    'the ledger does not add up',
    'Keep the data directory as it is, and compare it with the last backup of it.',
  ),
  durability_unknown: row(
    400,
    false,
    'the broker has no such durability class',
    'See peerkeep credit for the classes that it has.',
  ),
  target_unavailable: row(
    409,
    false,
    'the host that was named may not or cannot take or give this shard',
    'Name another host, or leave the choice to the broker.',
  ),
  universal_not_offered: row(
    409,
    true,
    'the broker offers no universal tokens at the moment',
    'Ask for a put or a get; its answer tells when they are offered.',
  ),
  shards_together: row(
    409,
    false,
    'another shard of this object is with the same host or account',
    'Put each shard of an object on a host of another account.',
  ),
  report_too_late: row(
    410,
    false,
    'the time for reports about this transaction is over',
    'Nothing can be changed any more; keep the clock and the connection of this machine in order.',
  ),
  transaction_unknown: row(
    404,
    false,
    'the broker issued no such transaction',
    'Check which broker this peer belongs to.',
  ),

  // Repairs.
  repairs_not_allowed: row(
    403,
    false,
    'only a host that has ended its probation, is online and in good standing repairs for others',
    'Nothing: it may when it is.',
  ),
  repair_task_unknown: row(404, false, 'this worker has no such task', 'Ask for a new task.'),

  // Groups of peers.
  group_unknown: row(404, false, 'no such group', 'Ask its owner for the group id.'),
  group_not_owned: row(403, false, 'another account owns this group', 'Ask its owner to decide.'),
  group_not_member: row(403, false, 'this peer is not a member of the group', 'Apply, and wait for the owner.'),
  group_application_unknown: row(404, false, 'this peer has not applied to the group', 'List the groups again.'),
  group_full: row(409, false, 'the group, or the list of groups, is full', 'Let somebody leave first.'),
  group_content_unknown: row(404, false, 'no member of the group has this content', 'Put it into the group first.'),
} as const satisfies Record<string, ErrorRow>;
