// `peerkeep recover JOIN_LINK --escrow`: a new machine is let in by a person, waits, and gets the master key from the broker.
// What it waits for is known to the broker and to its home: the same command goes on from there.
import { deriveDataKeys, recoveryKeyPair } from '#backup';
import { BrokerClient, type RecoveredKey } from '#broker-api';
import { enrolHere, type HomeKey, keyOrApproval, PeerHome, waitFor } from '#peer-home';
import { type ErrorCode, type EscrowRecovery, equalInConstantTime, isRefusal, ProtocolError } from '#protocol';
import { EXIT } from '../exit-codes.js';
import { formatSeconds } from '../format.js';
import { snakeMembers } from '../snake-members.js';
import type { CommandContext } from './command-context.js';
import { timeOf } from './escrow.js';

export interface EscrowRecoveryOptions {
  readonly homePath: string;
  readonly joinLink: string;
  readonly name?: string;
  readonly homeKey: HomeKey | null;
  /** The home of a machine that was let in before; null: it has to be. */
  readonly existing: PeerHome | null;
  /** false: tell the state and end. */
  readonly wait: boolean;
}

/** The pace of questions: once when the wait is over, and in between now and then, to hear of a change. */
const ASK_MS_MAX = 60_000;
const ASK_MS_MIN = 1_000;

/** After one of these the broker may answer differently a little later. */
const WORTH_WAITING: ReadonlySet<ErrorCode> = new Set([
  'broker_unreachable',
  'overloaded',
  'stopping',
  'internal',
  'escrow_recovery_waiting',
]);

/**
 * Returns the home, with its master key saved; null when it still waits and `wait` is false (the state is told, and the exit
 * code set).
 *
 * throws   what the approval and the broker refuse with; escrow_mismatch for a key that is not the account's: nothing of it
 *          is kept
 */
export async function recoverFromEscrow(
  context: CommandContext,
  options: EscrowRecoveryOptions,
): Promise<PeerHome | null> {
  const { clock, log, signal, terminal } = context;
  const home = options.existing ?? (await enrolForRecovery(context, options));
  const broker = new BrokerClient({ home, clock, log });
  try {
    const recovery = await broker.escrow.askRecovery({ signal });
    if (recovery.state !== 'ready') {
      sayWaiting(context, recovery);
      if (!options.wait) {
        context.setExitCode(EXIT.waiting);
        terminal.result(
          snakeMembers({ ...recovery, home: home.path }),
          () => `waiting until ${timeOf(recovery.dueAt)}`,
        );
        return null;
      }
    }
    const { masterKey, recoveryKey } = await claimWhenReady(context, broker, recovery);
    const { publicKey } = recoveryKeyPair(deriveDataKeys(masterKey).recoverySeed);
    if (!equalInConstantTime(publicKey, recoveryKey)) throw new ProtocolError('escrow_mismatch');
    await home.saveMasterKey(masterKey);
    return home;
  } finally {
    await broker.close();
  }
}

/** By a person's approval alone: a key of the operator says nothing about who asks. */
async function enrolForRecovery(context: CommandContext, options: EscrowRecoveryOptions): Promise<PeerHome> {
  const { clock, signal, terminal } = context;
  const { homePath, joinLink, name, homeKey } = options;
  const way = { purpose: 'recovery', program: 'peerkeep', clock, say: (line: string) => terminal.talk(line) } as const;
  const credential = await keyOrApproval({ environment: {} }, way);
  return enrolHere({ homePath, joinLink, name, credential, homeKey, signal });
}

function sayWaiting({ terminal }: CommandContext, { dueAt, remainingMs }: EscrowRecovery): void {
  terminal.say(`the account is told of this by mail and on its machines, and can stop it until ${timeOf(dueAt)}`);
  terminal.say(`waiting ${formatSeconds(remainingMs / 1000)}; Ctrl-C is harmless: the same command goes on from here`);
}

async function claimWhenReady(
  { clock, signal, terminal }: CommandContext,
  broker: BrokerClient,
  asked: EscrowRecovery,
): Promise<RecoveredKey> {
  let { remainingMs } = asked;
  for (;;) {
    const left = remainingMs;
    terminal.progress(() => `waiting for the key, ${formatSeconds(left / 1000)} left`);
    if (remainingMs > 0) await waitFor(clock, Math.min(Math.max(remainingMs, ASK_MS_MIN), ASK_MS_MAX), signal);
    try {
      const { recoveryId, ...now } = await broker.escrow.askRecovery({ signal });
      remainingMs = now.remainingMs;
      if (now.state === 'ready') return await broker.escrow.claim(recoveryId, { signal });
    } catch (error) {
      if (!isRefusal(error) || !WORTH_WAITING.has(error.code)) throw error;
      remainingMs = Math.max(remainingMs, ASK_MS_MAX);
    }
  }
}
