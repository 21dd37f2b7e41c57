// `peerkeep recover JOIN_LINK`: a new machine takes over an account's backups with its recovery phrase.
import type { Command } from 'commander';
import { deriveDataKeys, masterKeyFromPhrase, recoveryKeyPair } from '#backup';
import {
  enrolHere,
  type HomeKey,
  keyCredential,
  PeerHome,
  readEnrolmentKey,
  readHomeKey,
  recoveryCredential,
} from '#peer-home';
import { isRefusal, ProtocolError, parseJoinLink } from '#protocol';
import { type CommandContext, type CommonOptions, homePathFor, newCommand } from './command-context.js';
import { recoverFromEscrow } from './recover-from-escrow.js';
import { registerRecoveryKey } from './register-recovery-key.js';

interface RecoverOptions extends CommonOptions {
  readonly key?: string;
  readonly keyFile?: string;
  readonly name?: string;
  readonly escrow?: boolean;
  /** False by --no-wait. */
  readonly wait: boolean;
}

export function recoverCommand(context: CommandContext): Command {
  return newCommand(
    'recover',
    'take over the backups of an account on a new machine; reads the recovery phrase on stdin',
  )
    .argument('<join-link>', 'the line peerkeep://host:port/#… that the broker printed')
    .option('--key <key>', 'enrolment key, for an account that the broker does not know by its phrase')
    .option('--key-file <path>', 'file with that key (or PEERKEEP_ENROLMENT_KEY)')
    .option('--name <name>', 'what to call this machine: lower-case letters, digits, hyphens')
    .option('--escrow', 'without the phrase: from the broker, where `init --escrow` left the key; a person approves')
    .option('--no-wait', 'with --escrow: print how long it waits and end with 6; the same command later goes on')
    .action((joinLink: string, options: RecoverOptions) => recover(context, joinLink, options));
}

async function recover(context: CommandContext, joinLink: string, options: RecoverOptions): Promise<void> {
  const homePath = homePathFor(context, options);
  parseJoinLink(joinLink);
  checkOptions(options);
  const isPeer = await PeerHome.exists(homePath);
  const homeKey = await readHomeKey(context.environment);
  const existing = isPeer ? await PeerHome.open(homePath, homeKey) : null;
  if (await existing?.hasMasterKey()) {
    throw new ProtocolError('home_exists', { path: homePath }, { detail: 'this home has a master key already' });
  }
  const home =
    options.escrow === true
      ? await recoverFromEscrow(context, { ...options, joinLink, homePath, homeKey, existing })
      : await recoverByPhrase(context, { ...options, joinLink, homePath, homeKey, existing });
  if (home === null) return;
  const { peerId, accountId, name } = home.identity;
  context.terminal.result(
    { peer_id: peerId, account_id: accountId, name, home: homePath },
    () => `recovered the account ${accountId}: this machine is ${name} (${peerId})`,
  );
}

/** throws usage */
function checkOptions({ escrow = false, key, keyFile, wait }: RecoverOptions): void {
  if (escrow && (key !== undefined || keyFile !== undefined)) {
    throw new ProtocolError('usage', {}, { detail: '--escrow takes no enrolment key: a person approves' });
  }
  if (!escrow && !wait) throw new ProtocolError('usage', {}, { detail: '--no-wait goes with --escrow' });
}

interface PhraseRecovery extends RecoverOptions {
  readonly joinLink: string;
  readonly homePath: string;
  readonly homeKey: HomeKey | null;
  /** The home of a machine that is enrolled already; null: the phrase enrols it. */
  readonly existing: PeerHome | null;
}

async function recoverByPhrase(context: CommandContext, options: PhraseRecovery): Promise<PeerHome> {
  const masterKey = masterKeyFromPhrase(await context.readPhrase());
  const home = options.existing ?? (await enrolNew(context, { ...options, masterKey }));
  // The broker says whether the phrase is this account's; nothing is kept before.
  await registerRecoveryKey(context, home, masterKey);
  await home.saveMasterKey(masterKey);
  return home;
}

/**
 * The proof of the phrase enrols into the account that it belongs to. An enrolment key is for a phrase that the broker
 * does not know (the key then says which account is meant).
 */
async function enrolNew(
  { clock, environment, signal }: CommandContext,
  options: PhraseRecovery & { readonly masterKey: Uint8Array },
): Promise<PeerHome> {
  const { joinLink, homePath, homeKey, name } = options;
  const key = await readEnrolmentKey({ ...options, environment });
  const pair = recoveryKeyPair(deriveDataKeys(options.masterKey).recoverySeed);
  const proof = recoveryCredential({ publicKey: pair.publicKey, sign: pair.sign, nowMs: clock.nowMs() });
  try {
    return await enrolHere({ homePath, joinLink, name, credential: proof, homeKey, signal });
  } catch (error) {
    if (key === null || !isRefusal(error, 'recovery_proof_invalid')) throw error;
    return await enrolHere({ homePath, joinLink, name, credential: keyCredential(key), homeKey, signal });
  }
}
