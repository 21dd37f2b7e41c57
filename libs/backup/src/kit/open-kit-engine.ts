// An engine that restores from a kit: its broker is the file, and hosts are reached under the kit's own identity.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Bandwidth, type Bandwidths, type LanTuning, PeerLink } from '#peer-link';
import type { Clock, Log } from '#process';
import { CLOCK_SKEW_MS_MAX, ProtocolError, parseTime } from '#protocol';
import { BackupEngine } from '../engine.js';
import type { LimitWish } from '../schedule/transfer-limits.js';
import { KitBroker } from './kit-broker.js';
import { openKitNeighbours } from './kit-neighbours.js';
import type { RecoveryKit } from './recovery-kit.js';

export interface KitEngineOptions {
  readonly kit: RecoveryKit;
  readonly masterKey: Uint8Array;
  /** Where a restore that is cut off finds itself again; made when it is missing. */
  readonly folder: string;
  readonly limits: LimitWish;
  /** Ask neighbours on the local network before hosts; not at all where it is missing. */
  readonly lan?: LanTuning | null;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Open an engine on a kit. It makes no call to any broker.
 *
 * throws   kit_expired | local_disk
 */
export async function openKitEngine(options: KitEngineOptions): Promise<BackupEngine> {
  const { kit, masterKey, folder, limits, lan = null, clock, log } = options;
  // By this machine's clock, which nobody can correct: hosts judge by theirs.
  if (clock.nowMs() >= parseTime(kit.expiresAt)! + CLOCK_SKEW_MS_MAX) {
    throw new ProtocolError('kit_expired', { expiresAt: kit.expiresAt });
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const bandwidths = bandwidthsOf(clock, limits);
  const identity = { peerId: kit.kitId, trustDomain: kit.trustDomain };
  const certificate = { pem: kit.certificate };
  const newLink = (): PeerLink =>
    new PeerLink({
      home: { identity, caPem: kit.authority, privateKeyPem: kit.privateKey, certificate: () => certificate },
      // Hosts renew their certificates at the broker, which may have been away for weeks.
      expiredSinceMs: parseTime(kit.madeAt)! - CLOCK_SKEW_MS_MAX,
      clock,
      log,
      bandwidths,
    });
  const link = newLink();
  // Of its own: a neighbour is another address of a host that may be reached elsewhere at the same time.
  const near = newLink();
  const neighbours = lan === null ? null : openKitNeighbours({ kit, link: near, tuning: lan, clock, log });
  return BackupEngine.openOver(
    { masterKey, machineId: kit.kitId, folder, clock, log },
    {
      broker: new KitBroker(kit),
      hosts: link,
      neighbours,
      brokerNowMs: () => clock.nowMs(),
      uploadLimit: () => bandwidths.upload.bytesPerSecond,
      downloadLimit: () => bandwidths.download.bytesPerSecond,
      close: async () => {
        await neighbours?.close();
        await Promise.all([link.close(), near.close()]);
      },
    },
  );
}

/** The folder of a kit's engine in a home, which need not be one of an enrolled peer. */
export function kitFolderOf(homePath: string, { kitId }: Pick<RecoveryKit, 'kitId'>): string {
  return join(homePath, 'kits', kitId);
}

function bandwidthsOf(clock: Clock, { uploadKib, downloadKib }: LimitWish): Bandwidths {
  const bytes = (kib: number | undefined): number | null => (kib === undefined || kib === 0 ? null : kib * 1024);
  return {
    upload: new Bandwidth(clock, () => bytes(uploadKib)),
    download: new Bandwidth(clock, () => bytes(downloadKib)),
  };
}
