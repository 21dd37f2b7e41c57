// `npm run demo [-- PATH]`: a whole network on this machine backs up a real folder, loses two hosts, and gives every byte back.
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { compareTrees } from './demo/compare-trees.js';
import { DemoNetwork } from './demo/demo-network.js';
import { contentBelow, findPlaintext } from './demo/find-plaintext.js';
import { say } from './demo/say.js';

const HOSTS = 6;
const HOSTS_LOST = 2;

async function main(): Promise<number> {
  const given = process.argv[2];
  const source = resolve(given ?? '.');
  // The default is this checkout: what git and npm can bring back is left out.
  const excludes = given === undefined ? ['.git', 'node_modules'] : [];
  const network = await DemoNetwork.create();
  const onSignal = (): void => void network.close().then(() => process.exit(130));
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    return await show(network, source, excludes);
  } finally {
    await network.close();
  }
}

async function show(network: DemoNetwork, source: string, excludes: readonly string[]): Promise<number> {
  const startedMs = performance.now();
  say('broker', `starts on its own database in ${network.folder}`);
  await network.startBroker();
  const before = await contentBelow(network.brokerFolder);
  say('hosts', `${HOSTS} peer agents enrol, each a process with 5 GB of donated disk`);
  await network.startHosts(HOSTS);
  say('client', 'enrols and makes its master key; the 24-word recovery phrase is all that it keeps');
  const phrase = await network.initClient();

  const backup = await network.backup(source, excludes, { showTalk: process.stderr.isTTY });
  const { total_bytes_processed: sourceBytes, total_duration: tookSeconds } = backup;
  say(
    'backup',
    `${backup.total_files_processed} files, ${megabytes(sourceBytes)} on ${backup.hosts} hosts in ${seconds(tookSeconds)}`,
  );
  say('', `${rate(sourceBytes, tookSeconds)} of source, ${megabytes(backup.data_stored)} stored with redundancy`);

  const lost = await network.killHosts(HOSTS_LOST);
  say('loss', `SIGKILL to ${lost.join(' and ')}; the client's machine is forgotten too`);
  await network.forgetClient();

  say('recover', 'a new machine knows only the recovery phrase and the join link');
  const restored = await network.recoverAndRestore(phrase, { showTalk: process.stderr.isTTY });
  say(
    'restore',
    `${restored.files} files, ${megabytes(restored.bytes_restored)} in ${seconds(restored.seconds_elapsed)}, ${rate(restored.bytes_restored, restored.seconds_elapsed)}`,
  );

  const comparison = await compareTrees(source, network.target, excludes);
  for (const difference of comparison.differences.slice(0, 20)) say('DIFFERS', difference);
  say(
    'compare',
    `${comparison.entries} entries: every byte, mode and mtime; ${comparison.differences.length} differences`,
  );

  const broker = await network.brokerFootprint();
  const leaked = await findPlaintext(source, excludes, network.brokerFolder, before);
  say(
    'broker',
    `keeps ${megabytes(broker.bytes)} of records in ${broker.files} files; pieces of your files in it: ${leaked.length}`,
  );
  for (const path of leaked.slice(0, 20)) say('LEAKED', path);

  const isGood = comparison.differences.length === 0 && comparison.entries > 0 && leaked.length === 0;
  say(isGood ? 'done' : 'FAILED', `in ${seconds((performance.now() - startedMs) / 1000)}`);
  await rm(network.target, { recursive: true, force: true });
  return isGood ? 0 : 1;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function rate(bytes: number, tookSeconds: number): string {
  return `${(bytes / 1e6 / Math.max(tookSeconds, 0.001)).toFixed(1)} MB/s`;
}

function seconds(count: number): string {
  return `${count.toFixed(1)} s`;
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
});
