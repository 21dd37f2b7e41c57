// Tells the broker the public key by which it knows the account's phrase; also how a command asks whether a key is the account's.
import { deriveDataKeys, recoveryKeyPair } from '#backup';
import { BrokerClient } from '#broker-api';
import type { PeerHome } from '#peer-home';
import type { CommandContext } from './command-context.js';

/** throws recovery_key_exists when the account has another phrase */
export async function registerRecoveryKey(
  { clock, log, signal }: Pick<CommandContext, 'clock' | 'log' | 'signal'>,
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
