// One round of ours: a new network of real processes, one backup into it, one restore out of it.
import { compareTrees } from '../../scripts/demo/compare-trees.js';
import { DemoNetwork } from '../../scripts/demo/demo-network.js';
import { bytesBelow } from './bytes-below.js';
import { measurePhase, type PutAside, type Round } from './phase.js';

export const HOSTS = 6;

export async function runPeerkeep(source: string, putAside: PutAside): Promise<Round> {
  const network = await DemoNetwork.create();
  try {
    await network.startBroker();
    await network.startHosts(HOSTS);
    await network.initClient();
    const backup = await measurePhase(network.processes, (onStarted) => network.backup(source, [], { onStarted }));
    const keptBytes = network.hostFolders.reduce((sum, folder) => sum + bytesBelow(folder), 0);
    const restore = await measurePhase(network.processes, (onStarted) => network.restore({ onStarted }));
    const { differences } = await compareTrees(source, network.target, []);
    await putAside(network.target);
    return { backup, restore, keptBytes, differences };
  } finally {
    await network.close();
  }
}
