// Who may transfer: a place for every client, none for one that hardly moves, and none lost to one that keeps the rate.
import { describe, expect, it } from 'vitest';
import { isRefusal, TRANSFERS_MAX } from '#protocol';
import { peerIdOf } from '../../../../test/peer-fixture.js';
import { DISK_BATCH_BYTES, LEAST_BYTES_PER_SECOND, RATE_WINDOW_MS, TRANSFERS_PER_CLIENT_MAX } from '../limits.js';
import { Transfers } from './transfers.js';

const [CLIENT, OTHER] = [peerIdOf(2), peerIdOf(3)];
const isBusy = (error: unknown): boolean => isRefusal(error, 'host_busy');

function refusalOf(work: () => unknown): unknown {
  try {
    work();
    return null;
  } catch (error) {
    return error;
  }
}

describe('the places', () => {
  it('that one client may have leave some for others, and come back when a transfer ends', () => {
    const transfers = new Transfers();
    const own = Array.from({ length: TRANSFERS_PER_CLIENT_MAX }, () => transfers.begin(CLIENT));
    expect(refusalOf(() => transfers.begin(CLIENT))).toSatisfy(isBusy);
    transfers.begin(OTHER);
    own[0]!.end();
    transfers.begin(CLIENT);
    expect(refusalOf(() => transfers.begin(CLIENT))).toSatisfy(isBusy);
    expect(transfers.running).toBe(TRANSFERS_PER_CLIENT_MAX + 1);
  });

  it('are as many as the host has, for all clients together', () => {
    const transfers = new Transfers();
    for (let i = 0; i < TRANSFERS_MAX; i++) transfers.begin(peerIdOf(i % 8));
    expect(refusalOf(() => transfers.begin(peerIdOf(9)))).toSatisfy(isBusy);
  });
});

describe('the least rate', () => {
  /** Whether a transfer of this rate is cut within ten windows, its bytes showing a batch at a time. */
  function isCut(bytesPerSecond: number, aheadBytes: number): boolean {
    const transfers = new Transfers();
    const { progress } = transfers.begin(CLIENT);
    let cut = false;
    progress.cut = () => {
      cut = true;
    };
    for (let window = 0; window <= 10; window++) {
      const movedBytes = aheadBytes + (bytesPerSecond * window * RATE_WINDOW_MS) / 1_000;
      progress.bytesMoved = Math.floor(movedBytes / DISK_BATCH_BYTES) * DISK_BATCH_BYTES;
      transfers.checkRates();
    }
    return cut;
  }

  const PHASES = Array.from({ length: 16 }, (_, i) => (i * DISK_BATCH_BYTES) / 16);

  it.each([LEAST_BYTES_PER_SECOND, 40_000, 100_000])('keeps a transfer of %i bytes a second', (bytesPerSecond) => {
    expect(PHASES.map((aheadBytes) => isCut(bytesPerSecond, aheadBytes))).toEqual(PHASES.map(() => false));
  });

  it.each([0, 1_000, LEAST_BYTES_PER_SECOND / 2])('cuts a transfer of %i bytes a second', (bytesPerSecond) => {
    expect(PHASES.map((aheadBytes) => isCut(bytesPerSecond, aheadBytes))).toEqual(PHASES.map(() => true));
  });
});
