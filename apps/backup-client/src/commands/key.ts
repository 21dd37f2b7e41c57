// `peerkeep key list|phrase|verify`: the key of this account's backups, and the 24 words that stand for it.
import { createHash } from 'node:crypto';
import { Command } from 'commander';
import { deriveDataKeys, masterKeyFromPhrase, phraseFromMasterKey, recoveryKeyPair } from '#backup';
import { PeerHome, readHomeKey } from '#peer-home';
import { equalInConstantTime, ProtocolError } from '#protocol';
import { formatPairs } from '../format.js';
import { type CommandContext, type CommonOptions, homePathFor, newCommand } from './command-context.js';

const FINGERPRINT_CHARS = 16;
const WORDS_A_LINE = 6;

export function keyCommand(context: CommandContext): Command {
  return new Command('key')
    .description('show the key of your backups, or check that you still have its words')
    .addCommand(
      newCommand('list', 'the keys of this machine, by fingerprints').action((options: CommonOptions) =>
        list(context, options),
      ),
    )
    .addCommand(
      newCommand('phrase', 'print the recovery phrase again: whoever reads it can read your backups').action(
        (options: CommonOptions) => phrase(context, options),
      ),
    )
    .addCommand(
      newCommand('verify', 'read a recovery phrase on stdin and say whether it is the one of this home').action(
        (options: CommonOptions) => verify(context, options),
      ),
    );
}

async function list(context: CommandContext, options: CommonOptions): Promise<void> {
  const home = await openHome(context, options);
  const { peerId, accountId, name } = home.identity;
  const { current, previous } = home.transactionKeys();
  const master = fingerprintOf(await home.masterKey());
  const told = {
    message_type: 'key',
    account_id: accountId,
    master_key: master,
    machine: name,
    peer_id: peerId,
    transaction_key: current.kid,
    ...(previous === null ? {} : { previous_transaction_key: previous.key.kid }),
  };
  context.terminal.result(told, () =>
    formatPairs([
      ['master key', `${master}  (of the account ${accountId}, the same on all of its machines)`],
      ['transaction key', `${current.kid}  (of this machine, ${name})`],
      ...(previous === null
        ? []
        : ([['previous', `${previous.key.kid}  (still good for transfers under way)`]] as const)),
    ]),
  );
}

async function phrase(context: CommandContext, options: CommonOptions): Promise<void> {
  const home = await openHome(context, options);
  const words = phraseFromMasterKey(await home.masterKey());
  context.terminal.say('whoever reads these words can read your backups, and without them and this machine nobody can');
  context.terminal.result({ message_type: 'key', phrase: words }, () => linesOf(words));
}

async function verify(context: CommandContext, options: CommonOptions): Promise<void> {
  const home = await openHome(context, options);
  const masterKey = await home.masterKey();
  const typed = masterKeyFromPhrase(await context.readPhrase());
  if (!equalInConstantTime(typed, masterKey)) {
    throw new ProtocolError('phrase_invalid', {}, { detail: 'these are the words of another key, not of this home' });
  }
  const master = fingerprintOf(masterKey);
  context.terminal.result(
    { message_type: 'key', master_key: master, verified: true },
    () => `these words open the backups of ${master}`,
  );
}

async function openHome(context: CommandContext, options: CommonOptions): Promise<PeerHome> {
  return PeerHome.open(homePathFor(context, options), await readHomeKey(context.environment));
}

/** Of the public key that grows from the master key: it tells keys apart and nothing about them. */
function fingerprintOf(masterKey: Uint8Array): string {
  const { publicKey } = recoveryKeyPair(deriveDataKeys(masterKey).recoverySeed);
  return createHash('sha256').update(publicKey).digest('hex').slice(0, FINGERPRINT_CHARS);
}

function linesOf(words: string): string {
  const all = words.split(' ');
  const lines = [];
  for (let first = 0; first < all.length; first += WORDS_A_LINE) lines.push(all.slice(first, first + WORDS_A_LINE));
  return lines.map((line) => line.join(' ')).join('\n');
}
