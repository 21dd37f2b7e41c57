// How the command ends, for scripts. The numbers are a contract: add, never change.
import { CommanderError } from 'commander';
import { type ErrorCode, ProtocolError } from '#protocol';

export const EXIT = {
  ok: 0,
  /** It failed; the last line on stderr says why and what to do. */
  error: 1,
  /** The command line is wrong. Nothing was done. */
  usage: 2,
  /** Done, but some files could not be read (backup) or restored (restore). Each was named on stderr. */
  incomplete: 3,
  /**
   * The broker, or enough hosts, cannot be reached now, or a snapshot is stored and not yet confirmed. The same command may
   * succeed later.
   */
  unreachable: 4,
  /** The recovery phrase, the enrolment key, or this machine's own credentials are not accepted, or nobody approved. */
  credentials: 5,
  /** A recovery from escrow waits (`recover --escrow --no-wait`). The same command, later, goes on from there. */
  waiting: 6,
  /** `status --warn`: a backup is overdue. The warnings were given. */
  overdue: 7,
  /** Stopped by Ctrl-C, SIGTERM or SIGHUP. The same command goes on from there. */
  interrupted: 130,
  /** Whoever read the output went away (`peerkeep ls … | head`). */
  outputClosed: 141,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const OF_CODE: Partial<Record<ErrorCode, ExitCode>> = {
  usage: EXIT.usage,
  config_invalid: EXIT.usage,
  join_link_invalid: EXIT.usage,
  path_missing: EXIT.usage,
  broker_unreachable: EXIT.unreachable,
  peer_unreachable: EXIT.unreachable,
  not_enough_hosts: EXIT.unreachable,
  object_unavailable: EXIT.unreachable,
  overloaded: EXIT.unreachable,
  stopping: EXIT.unreachable,
  phrase_invalid: EXIT.credentials,
  recovery_proof_invalid: EXIT.credentials,
  recovery_key_exists: EXIT.credentials,
  enrolment_key_invalid: EXIT.credentials,
  enrolment_refused: EXIT.credentials,
  enrolment_expired: EXIT.credentials,
  home_sealed: EXIT.credentials,
  home_key_invalid: EXIT.credentials,
  key_unknown: EXIT.credentials,
  signature_invalid: EXIT.credentials,
  peer_suspended: EXIT.credentials,
  peer_revoked: EXIT.credentials,
  kit_invalid: EXIT.credentials,
  kit_expired: EXIT.credentials,
  escrow_missing: EXIT.credentials,
  escrow_mismatch: EXIT.credentials,
  escrow_recovery_not_approved: EXIT.credentials,
  escrow_recovery_cancelled: EXIT.credentials,
  escrow_recovery_given: EXIT.credentials,
  escrow_recovery_waiting: EXIT.waiting,
  interrupted: EXIT.interrupted,
};

/** The exit code that an error means. */
export function exitCodeOf(error: unknown): ExitCode {
  // Commander also ends --help and --version by an error, with its exit code 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof ProtocolError) return OF_CODE[error.code] ?? EXIT.error;
  return EXIT.error;
}
