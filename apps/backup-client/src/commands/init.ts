// `peerkeep init JOIN_LINK`: makes this machine a peer that backs up, and shows the recovery phrase, once.
import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { phraseFromMasterKey } from '#backup';
import { BrokerClient } from '#broker-api';
import { enrolHere, keyOrApproval, PeerHome, readHomeKey } from '#peer-home';
import { isRefusal, KEY_BYTES, ProtocolError, parseJoinLink } from '#protocol';
import { type CommandContext, type CommonOptions, homePathFor, newCommand } from './command-context.js';
import { sayEscrowIsOn } from './escrow.js';
import { registerRecoveryKey } from './register-recovery-key.js';

interface InitOptions extends CommonOptions {
  readonly key?: string;
  readonly keyFile?: string;
  readonly name?: string;
  readonly escrow?: boolean;
  readonly appendOnly?: boolean;
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
    .option(
      '--escrow',
      'leave the key with the broker too: a sign-in recovers it, and its operator can read your backups',
    )
    .option('--append-only', 'this machine adds and never deletes: only a person takes it back, on the account page')
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
  if (options.escrow === true) await putInEscrow(context, home, masterKey);
  if (options.appendOnly === true) await makeAppendOnly(context, home);
  const phrase = phraseFromMasterKey(masterKey);
  const { peerId, accountId, name } = home.identity;
  terminal.result(
    {
      peer_id: peerId,
      account_id: accountId,
      name,
      home: homePath,
      recovery_phrase: phrase,
      escrow: options.escrow === true,
    },
    () => phrase,
  );
  await home.saveMasterKey(masterKey);
  terminal.say(`this machine is ${name} (${peerId}); its home is ${homePath}`);
  if (options.escrow === true) sayEscrowIsOn(terminal);
  if (options.appendOnly === true)
    terminal.say('it deletes nothing: `forget`, `prune` and `tag` are for other machines');
  const onlyWay = options.escrow === true ? '' : ', and only with them';
  terminal.say(`write the 24 words down and keep them away from this machine: with them${onlyWay},`);
  terminal.say('another machine restores everything; `peerkeep key phrase` shows them again, on this machine alone');
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
    // Without these lines nobody could approve: --quiet does not take them away.
    { purpose: 'client', program: 'peerkeep', clock, say: (line) => terminal.talk(line) },
  );
  return enrolHere({ homePath, joinLink, name, credential, homeKey, signal });
}

async function makeAppendOnly({ clock, log, signal }: CommandContext, home: PeerHome): Promise<void> {
  const broker = new BrokerClient({ home, clock, log });
  try {
    await broker.setAppendOnly(home.identity.peerId, { signal });
  } finally {
    await broker.close();
  }
}

/** A call that was cut off in between may have left this very key there. */
async function putInEscrow(
  { clock, log, signal }: CommandContext,
  home: PeerHome,
  masterKey: Uint8Array,
): Promise<void> {
  const broker = new BrokerClient({ home, clock, log });
  try {
    await broker.escrow.store(masterKey, { signal });
  } catch (error) {
    // The account has one recovery key, so what is there is this key: registering it was accepted a moment ago.
    if (!isRefusal(error, 'escrow_exists')) throw error;
  } finally {
    await broker.close();
  }
}
