// A repository of ours: a new network of real processes.
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DemoNetwork } from '../../scripts/demo/demo-network.js';
import { REQUEST_COUNT_FILE } from './count-requests.js';
import type { Repository } from './run-round.js';

/** hosts   1: one copy of everything; 6: four of six, by the default policy */
export async function openPeerkeep(hosts: number): Promise<Repository> {
  const network = await DemoNetwork.create();
  const countFile = join(network.folder, 'broker-requests');
  writeFileSync(countFile, '');
  try {
    await whileCounting(countFile, () => network.startBroker());
    await network.startHosts(hosts);
    await network.initClient();
  } catch (error) {
    await network.close();
    throw error;
  }
  return {
    serving: network.processes,
    brokerRequests: () => statSync(countFile).size,
    backup: (source, onStarted) => network.backup(source, [], { onStarted }),
    restore: (onStarted) => network.restore({ onStarted }),
    target: network.target,
    folders: network.hostFolders,
    close: () => network.close(),
  };
}

/** Processes that are started meanwhile count the requests that they get. */
async function whileCounting(countFile: string, start: () => Promise<void>): Promise<void> {
  const { NODE_OPTIONS: before = '' } = process.env;
  process.env.NODE_OPTIONS = `${before} --import ${new URL('count-requests.js', import.meta.url).href}`;
  process.env[REQUEST_COUNT_FILE] = countFile;
  try {
    await start();
  } finally {
    process.env.NODE_OPTIONS = before;
    delete process.env[REQUEST_COUNT_FILE];
  }
}
