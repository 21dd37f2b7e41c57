// Which limit holds at which hour: past midnight, on some days, and with what a command says in its place.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '#protocol';
import { freshFolder } from '../files/testing-folders.js';
import { parseClientConfig, writeClientConfig } from './client-config.js';
import { limitsAt, readTransferLimits } from './transfer-limits.js';

const OFFICE = {
  days: ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'],
  from: '8:00',
  to: '18:00',
  limitUpload: 1024,
};
const NIGHT = { days: ['saturday'], from: '22:00', to: '06:00', limitUpload: 0, limitDownload: 4096 };
const ALL = parseClientConfig({ limits: { limitUpload: 200, limitDownload: 300, schedule: [OFFICE, NIGHT] } });

/** 2026-11-23 is a Monday; times of this machine's zone. */
const at = (day: number, hour: number, minute = 0): number => new Date(2026, 10, day, hour, minute).getTime();

describe('the limit in force', () => {
  it.each([
    ['before office hours', at(23, 7, 59), 200, 300],
    ['at their first minute', at(23, 8), 1024, 300],
    ['in their last minute', at(23, 17, 59), 1024, 300],
    ['at their end', at(23, 18), 200, 300],
    ['on a day that is not named', at(22, 12), 200, 300],
    ['in the night of the day that is named', at(21, 22), 0, 4096],
    ['past its midnight, on the next day', at(22, 5, 59), 0, 4096],
    ['at the end of that night', at(22, 6), 200, 300],
    ['in the early morning of the day that is named', at(21, 5), 200, 300],
  ])('%s', (_when, nowMs, uploadKib, downloadKib) => {
    expect(limitsAt(ALL.limits, nowMs)).toEqual({ uploadKib, downloadKib });
  });

  it('of hours that end where they begin holds all day', () => {
    const { limits } = parseClientConfig({
      limits: { schedule: [{ from: '03:00', to: '03:00', limitDownload: 100 }] },
    });
    for (const hour of [0, 3, 12, 23]) expect(limitsAt(limits, at(23, hour)).downloadKib).toBe(100);
  });

  it('is what a command says, at every hour, and as configured where it says nothing', async () => {
    const folder = freshFolder();
    try {
      await mkdir(join(folder.path, 'client'), { recursive: true });
      await writeClientConfig(folder.path, ALL);
      const limits = await readTransferLimits(folder.path, { uploadKib: 0 });
      expect(limits(at(23, 12))).toEqual({ uploadKib: 0, downloadKib: 300 });
      expect((await readTransferLimits(folder.path))(at(23, 12))).toEqual({ uploadKib: 1024, downloadKib: 300 });
    } finally {
      folder.remove();
    }
  });

  it.each([-1, 1, 63, 70.5, 2e9, Number.NaN])('cannot be %d KiB/s', async (uploadKib) => {
    const refused = await readTransferLimits('/nowhere', { uploadKib }).catch((error: unknown) => error);
    expect((refused as ProtocolError).code).toBe('usage');
  });

  it('cannot be configured lower than hosts allow', () => {
    expect(() => parseClientConfig({ limits: { limitUpload: 63 } })).toThrow(ProtocolError);
    expect(() => parseClientConfig({ limits: { schedule: [{ ...OFFICE, limitUpload: 1 }] } })).toThrow(ProtocolError);
  });
});
