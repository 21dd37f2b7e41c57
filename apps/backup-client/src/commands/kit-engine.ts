// A command that runs on a recovery kit: the engine opened over the file, with no home of an enrolled peer and no broker.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { kitFolderOf, openKitEngine } from '#backup';
import { takeExclusiveUse } from '#database';
import { isRefusal, ProtocolError } from '#protocol';
import { homePathFor, runEngine, type withEngine } from './command-context.js';
import { readKitFile } from './kit-file.js';
import { asksNeighbours } from './lan-options.js';
import { limitWishOf } from './limit-options.js';

/** As withEngine, over the kit in this file. What it keeps on the way lies in the home, in a folder of the kit. */
export function withKitEngine(path: string): typeof withEngine {
  return async (context, options, use, alsoTell = () => undefined) => {
    const homePath = homePathFor(context, options);
    const { kit, masterKey } = await readKitFile(context, { path, homePath });
    const folder = kitFolderOf(homePath, kit);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const lock = await takeExclusiveUse(join(folder, 'kit.lock')).catch((cause: unknown) => {
      if (!isRefusal(cause, 'data_dir_in_use')) throw cause;
      throw new ProtocolError('home_in_use', { path: folder }, { cause });
    });
    try {
      const { clock, log } = context;
      const lan = asksNeighbours(options, kit.broker) ? {} : null;
      const engine = await openKitEngine({ kit, masterKey, folder, limits: limitWishOf(options), lan, clock, log });
      return await runEngine(context, engine, use, alsoTell);
    } finally {
      await lock.release();
    }
  };
}
