// What an engine is made of while its home is open: keys, caches, the outbox, and the ways to the broker and to hosts.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BrokerClient } from '#broker-api';
import type { PeerHome } from '#peer-home';
import { Bandwidth, type Bandwidths, type LanTuning, PeerLink } from '#peer-link';
import type { Clock, Log } from '#process';
import { isRefusal, type PeerId, type ProtocolError } from '#protocol';
import { ChunkIndexFile } from './chunk-index-file.js';
import { LocalObjects } from './get/local-objects.js';
import { openNeighbours } from './get/open-neighbours.js';
import { type DataKeys, deriveDataKeys } from './keys.js';
import { keepWays } from './known-ways.js';
import { PatientBroker } from './patience/patient-broker.js';
import { PatientHosts } from './patience/patient-hosts.js';
import type { BrokerPort, HostsPort, NeighboursPort, OnEvent } from './ports.js';
import { ReportOutbox } from './put/report-outbox.js';
import { type LimitWish, readTransferLimits } from './schedule/transfer-limits.js';

export interface EngineOptions {
  readonly home: PeerHome;
  readonly clock: Clock;
  readonly log: Log;
  /** How fast it may send and receive, in place of what the home's configuration says. */
  readonly limits?: LimitWish;
  /** Ask neighbours on the local network before hosts; not at all where it is missing. */
  readonly lan?: LanTuning | null;
  /** Told when the configuration cannot be read: a restore must not depend on it, so there are no limits then. */
  readonly onWarning?: (failure: ProtocolError) => void;
}

export interface EngineParts {
  readonly keys: DataKeys;
  readonly cache: ChunkIndexFile;
  readonly outbox: ReportOutbox;
  readonly broker: BrokerPort;
  readonly hosts: HostsPort;
  readonly neighbours?: NeighboursPort | null;
  /** Sealed objects on this machine's disk. */
  readonly local: LocalObjects;
  readonly machineId: PeerId;
  /** The broker's time, as its answers tell it. */
  readonly brokerNowMs: () => number;
  /** Bytes a second that may be sent and received at this time; null, or nothing, is no limit. */
  readonly uploadLimit?: () => number | null;
  readonly downloadLimit?: () => number | null;
  /** Who is told from now on that the broker is away, where it is waited for. */
  readonly tellAway?: (onEvent: OnEvent) => void;
  /** Where the engine keeps what is its own, in the home. */
  readonly folder: string;
  readonly clock: Clock;
  readonly close: () => Promise<void>;
}

/** What an engine works with on this machine, beside its links. */
export interface EngineState extends Pick<EngineOptions, 'clock' | 'log'> {
  readonly masterKey: Uint8Array;
  readonly machineId: PeerId;
  /** Made when it is missing. */
  readonly folder: string;
}

/** The ways to the broker and to hosts. */
export interface EngineLinks
  extends Pick<
    EngineParts,
    'broker' | 'hosts' | 'neighbours' | 'brokerNowMs' | 'uploadLimit' | 'downloadLimit' | 'tellAway'
  > {
  /** Reports are sent by this one when it is there: nobody waits for a broker at the end of a command. */
  readonly reportsTo?: BrokerPort;
  readonly close: () => Promise<void>;
}

/** throws master_key_missing | secret_file_exposed | local_disk | usage */
export async function openEngineParts({
  home,
  clock,
  log,
  limits: wish,
  lan = null,
  onWarning,
}: EngineOptions): Promise<EngineParts> {
  const masterKey = await home.masterKey();
  const limits = await readLimits(home.path, wish, onWarning);
  const client = new BrokerClient({ home, clock, log });
  const bandwidths = bandwidthsOf(clock, limits);
  const link = new PeerLink({ home, clock, log, bandwidths });
  const patience = { clock, random: Math.random };
  const broker = new PatientBroker(client, patience);
  const neighbours = lan === null ? null : openNeighbours({ home, client, bandwidths, clock, log, tuning: lan });
  const links: EngineLinks = {
    broker,
    neighbours,
    reportsTo: client,
    hosts: new PatientHosts(link, patience),
    brokerNowMs: () => client.brokerTime.nowMs(),
    uploadLimit: () => bandwidths.upload.bytesPerSecond,
    downloadLimit: () => bandwidths.download.bytesPerSecond,
    tellAway: (onEvent) => broker.tellTo(onEvent),
    close: async () => {
      // A cache: a folder that is gone or full keeps nothing from being closed.
      await keepWays(home.path, link.ways()).catch((error: unknown) =>
        log.warn({ event: 'ways_not_kept', err: error }),
      );
      await neighbours?.close();
      await Promise.all([client.close(), link.close()]);
    },
  };
  const machineId = home.identity.peerId;
  return openPartsOver({ masterKey, machineId, folder: join(home.path, 'client'), clock, log }, links);
}

/** Over links that are there already. throws local_disk */
export async function openPartsOver(
  { masterKey, machineId, folder, clock, log }: EngineState,
  links: EngineLinks,
): Promise<EngineParts> {
  const keys = deriveDataKeys(masterKey);
  await mkdir(join(folder, 'cache'), { recursive: true, mode: 0o700 });
  const cache = await ChunkIndexFile.open({ path: join(folder, 'cache', 'chunks.index'), cacheKey: keys.cacheKey });
  if (cache.opening === 'set_aside') log.warn({ event: 'cache_set_aside' });
  const { cacheKey } = keys;
  const local = new LocalObjects({ folder: join(folder, 'cache', 'objects'), cacheKey, clock, log });
  const outbox = await ReportOutbox.open(join(folder, 'reports.jsonl'), links.reportsTo ?? links.broker);
  const close = async (): Promise<void> => {
    await cache.close();
    await outbox.close();
    await links.close();
  };
  return { ...links, keys, cache, outbox, local, machineId, folder, clock, close };
}

async function readLimits(
  homePath: string,
  wish: LimitWish | undefined,
  onWarning: EngineOptions['onWarning'],
): ReturnType<typeof readTransferLimits> {
  try {
    return await readTransferLimits(homePath, wish);
  } catch (error) {
    if (!isRefusal(error, 'config_invalid')) throw error;
    onWarning?.(error);
    return () => ({ uploadKib: 0, downloadKib: 0, ...wish });
  }
}

/** One limit a direction for everything that an engine does. */
function bandwidthsOf(clock: Clock, limits: Awaited<ReturnType<typeof readTransferLimits>>): Bandwidths {
  const bytes = (kib: number): number | null => (kib === 0 ? null : kib * 1024);
  return {
    upload: new Bandwidth(clock, (nowMs) => bytes(limits(nowMs).uploadKib)),
    download: new Bandwidth(clock, (nowMs) => bytes(limits(nowMs).downloadKib)),
  };
}
