// A recovery kit from its file, opened with the key of this home, or with the recovery phrase where there is no home.
import { readFile, stat } from 'node:fs/promises';
import { deriveDataKeys, KIT_FILE_BYTES_MAX, masterKeyFromPhrase, openKit, type RecoveryKit } from '#backup';
import { PeerHome, readHomeKey } from '#peer-home';
import { ProtocolError } from '#protocol';
import type { CommandContext } from './command-context.js';

export interface OpenedKit {
  readonly kit: RecoveryKit;
  readonly masterKey: Uint8Array;
}

/** throws path_missing | kit_invalid | phrase_invalid, and what opening a home throws */
export async function readKitFile(
  context: Pick<CommandContext, 'environment' | 'readPhrase'>,
  { path, homePath }: { readonly path: string; readonly homePath: string },
): Promise<OpenedKit> {
  const file = await readBounded(path);
  const masterKey = await masterKeyFor(context, homePath);
  return { kit: openKit(file, deriveDataKeys(masterKey).kitKey), masterKey };
}

export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw new ProtocolError('local_disk', { path }, { cause: error });
  }
}

async function masterKeyFor(
  { environment, readPhrase }: Pick<CommandContext, 'environment' | 'readPhrase'>,
  homePath: string,
): Promise<Uint8Array> {
  if (await PeerHome.exists(homePath)) {
    const home = await PeerHome.open(homePath, await readHomeKey(environment));
    if (await home.hasMasterKey()) return home.masterKey();
  }
  return masterKeyFromPhrase(await readPhrase());
}

async function readBounded(path: string): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    if (size > KIT_FILE_BYTES_MAX) throw new ProtocolError('kit_invalid', { path });
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof ProtocolError) throw cause;
    throw new ProtocolError('path_missing', { path }, { cause, detail: `${path}: the recovery kit cannot be read` });
  }
}
