// A process that has lost its cache: opens an engine, lets it learn what is stored, and prints what that took.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BackupEngine } from '#backup';
import { openLog, SystemClock } from '#process';
import { type PeerId, uuidV7 } from '#protocol';
import { StoredAccount } from './stored-account.js';

const MB = 1e6;

async function main(folder: string): Promise<void> {
  const account = new StoredAccount(folder);
  const { masterKey, links } = account;
  const machineId = uuidV7<PeerId>(1, new Uint8Array(10));
  const state = { masterKey, machineId, folder: join(folder, 'client'), clock: new SystemClock() };
  const engine = await BackupEngine.openOver({ ...state, log: openLog('bench', 'silent') }, links);
  const startingMegabytes = peakMegabytes();
  const running = { signal: new AbortController().signal, onEvent: () => undefined };

  const started = { ms: performance.now(), cpu: process.cpuUsage() };
  const listed = await engine.inside(running, (_parts, objects) => Promise.resolve(objects.length));
  const seconds = (performance.now() - started.ms) / 1000;
  const { user, system } = process.cpuUsage(started.cpu);
  const peak = peakMegabytes();
  const asked = { ...account.asked };
  const fetched = { bytes: account.fetchedBytes, files: [...account.fetchedFiles] };

  const again = performance.now();
  await engine.inside(running, () => Promise.resolve());
  const againSeconds = (performance.now() - again) / 1000;
  await engine.close();

  const bareSeconds = readAndHash(fetched.files);
  const figures = {
    seconds: rounded(seconds),
    cpuSeconds: rounded((user + system) / 1e6),
    peakMegabytes: Math.round(peak),
    startingMegabytes: Math.round(startingMegabytes),
    listedObjects: listed,
    objectsFetched: asked,
    megabytesFetched: rounded(fetched.bytes / MB),
    againSeconds: rounded(againSeconds),
    bareReadAndSha256Seconds: rounded(bareSeconds),
    timesTheBareRead: rounded(seconds / bareSeconds),
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}

/** The most that this process had resident so far; the list of the stand-in for the broker is in it. */
function peakMegabytes(): number {
  return (process.resourceUsage().maxRSS * 1024) / MB;
}

function readAndHash(files: readonly string[]): number {
  const startedMs = performance.now();
  for (const file of files) createHash('sha256').update(readFileSync(file)).digest();
  return (performance.now() - startedMs) / 1000;
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}

await main(process.argv[2]!);
