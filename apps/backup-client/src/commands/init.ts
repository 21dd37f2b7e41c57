// `peerkeep init JOIN_LINK`: makes this machine a peer that backs up, and shows the recovery phrase, once.
import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { deriveDataKeys, phraseFromMasterKey, recoveryKeyPair } from '#backup';
import { BrokerClient } from '#broker-api';
import { enrolHere, keyOrApproval, PeerHome, readHomeKey } from '#peer-home';
import { KEY_BYTES, ProtocolError, parseJoinLink } from '#protocol';
import { type CommandContext, type CommonOptions, homePathFor, newCommand } from './command-context.js';

interface InitOptions extends CommonOptions {
  readonly key?: string;
  readonly keyFile?: string;
  readonly name?: string;
}

export function initCommand(context: CommandContext): Command {
  return newCommand('init', 'make this machine a peer that backs up, and print its recovery phrase')
    .argument('<join-link>', 'the line peerkeep://host:port/#… that the broker printed')
    .option('--key <key>', 'enrolment key that the operator made; others on this machine can see it in `ps`')
    .option(
      '--key-file <path>',
      'file with the enrolment key (or PEERKEEP_ENROLMENT_KEY); without a key, a person approves',
    )
    .option('--name <name>', 'what to call this machine: lower-case letters, digits, hyphens')
    .action((joinLink: string, options: InitOptions) => init(context, joinLink, options));
}

/**
 * The broker learns the recovery key before the phrase is shown, and the master key is in use only after: a call that is
 * cut off in between goes on with the same key, and shows the same phrase, when it is repeated.
 */
async function init(context: CommandContext, joinLink: string, options: InitOptions): Promise<void> {
  const { terminal } = context;
  const homePath = homePathFor(context, options);
  parseJoinLink(joinLink);
  const home = await openOrEnrol(context, { ...options, joinLink, homePath });
  if (await home.hasMasterKey()) {
    throw new ProtocolError('home_exists', { path: homePath }, { detail: 'this home has a master key already' });
  }
  const masterKey = await home.draftMasterKey(() => randomBytes(KEY_BYTES));
  await registerRecoveryKey(context, home, masterKey);
  const phrase = phraseFromMasterKey(masterKey);
  const { peerId, accountId, name } = home.identity;
  terminal.result({ peerId, accountId, name, home: homePath, recoveryPhrase: phrase }, () => phrase);
  await home.saveMasterKey(masterKey);
  terminal.say(`this machine is ${name} (${peerId}); its home is ${homePath}`);
  terminal.say('write the 24 words down and keep them away from this machine: with them, and only with them,');
  terminal.say('another machine restores everything. they are not shown again');
}

/** Where an agent has enrolled this machine, its home; else a new one, by an enrolment key or a person's approval. */
async function openOrEnrol(
  { environment, clock, signal, terminal }: CommandContext,
  options: InitOptions & { readonly joinLink: string; readonly homePath: string },
): Promise<PeerHome> {
  const { homePath, joinLink, name, key, keyFile } = options;
  const homeKey = await readHomeKey(environment);
  if (await PeerHome.exists(homePath)) return PeerHome.open(homePath, homeKey);
  const credential = await keyOrApproval(
    { key, keyFile, environment },
    { purpose: 'client', program: 'peerkeep', clock, say: (line) => terminal.say(line) },
  );
  return enrolHere({ homePath, joinLink, name, credential, homeKey, signal });
}

/** throws recovery_key_exists when the account has another phrase */
export async function registerRecoveryKey(
  { clock, log, signal }: CommandContext,
  home: PeerHome,
  masterKey: Uint8Array,
): Promise<void> {
  const broker = new BrokerClient({ home, clock, log });
  try {
    const { publicKey } = recoveryKeyPair(deriveDataKeys(masterKey).recoverySeed);
    await broker.setRecoveryKey(publicKey, { signal });
  } finally {
    await broker.close();
  }
}
