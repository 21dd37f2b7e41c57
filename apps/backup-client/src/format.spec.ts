// What people read: sizes, counts, times, modes, tables, and names that mean harm.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatCounted,
  formatLocalTime,
  formatMode,
  formatPairs,
  formatSeconds,
  formatTable,
  printable,
} from './format.js';

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [1024 ** 2 - 1, '1.0 MiB'],
    [1024 ** 2, '1.0 MiB'],
    [5 * 1024 ** 3, '5.0 GiB'],
    [Number.MAX_SAFE_INTEGER, '8.0 PiB'],
  ])('writes %i as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it('never writes 1024 of a unit that has a bigger one', () => {
    for (const edge of [1024, 1024 ** 2, 1024 ** 3, 1024 ** 4]) {
      for (let below = 1; below < edge / 10; below *= 3) expect(formatBytes(edge - below)).not.toMatch(/^1024/);
    }
  });
});

describe('formatCounted', () => {
  it.each([
    [0, '0 files'],
    [1, '1 file'],
    [1_234_567, '1,234,567 files'],
  ])('writes %i as %s', (count, text) => expect(formatCounted(count, 'file')).toBe(text));
});

describe('formatSeconds', () => {
  it.each([
    [0.9, '0:00'],
    [61, '1:01'],
    [3600, '1:00:00'],
    [36_061.5, '10:01:01'],
  ])('writes %d as %s', (seconds, text) => expect(formatSeconds(seconds)).toBe(text));
});

describe('formatLocalTime', () => {
  const before = process.env.TZ;
  beforeAll(() => {
    process.env.TZ = 'Asia/Kolkata';
  });
  afterAll(() => {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  });

  it('writes the time of this machine', () => {
    expect(formatLocalTime(Date.UTC(2026, 0, 2, 20, 4, 5))).toBe('2026-01-03 01:34:05');
  });
});

describe('formatMode', () => {
  it.each([
    ['file', 0o644, '-rw-r--r--'],
    ['dir', 0o755, 'drwxr-xr-x'],
    ['symlink', 0o777, 'lrwxrwxrwx'],
    ['file', 0o4755, '-rwsr-xr-x'],
    ['file', 0o2644, '-rw-r-Sr--'],
    ['dir', 0o1777, 'drwxrwxrwt'],
  ] as const)('writes a %s of mode %o as %s', (type, mode, text) => expect(formatMode(type, mode)).toBe(text));
});

describe('printable', () => {
  it.each([
    ['plain names', 'Übung/naïve 文.txt', 'Übung/naïve 文.txt'],
    ['terminal commands', '\u001b[2J\u009b31m', '\\u{1b}[2J\\u{9b}31m'],
    ['forged lines', 'a\nb\r', 'a\\nb\\u{d}'],
    ['turned writing', 'a\u202etxt', 'a\\u{202e}txt'],
    ['what looks like an escape', 'a\\nb', 'a\\\\nb'],
  ])('shows %s harmlessly', (_what, name, text) => expect(printable(name)).toBe(text));
});

describe('formatTable', () => {
  it('aligns columns under their titles and leaves no spaces at the end', () => {
    const columns = [{ title: 'ID' }, { title: 'Size', alignRight: true }, { title: 'Paths' }];
    const rows = [
      ['a', '1 B', '/x'],
      ['bbb', '1.0 KiB', '/long/path'],
    ];
    expect(formatTable(columns, rows)).toBe('ID      Size  Paths\na        1 B  /x\nbbb  1.0 KiB  /long/path');
  });

  it('stands without rows', () => {
    expect(formatTable([{ title: 'ID' }], [])).toBe('ID');
  });
});

describe('formatPairs', () => {
  it('aligns the values', () => {
    expect(
      formatPairs([
        ['a', '1'],
        ['long', '2'],
      ]),
    ).toBe('a     1\nlong  2');
  });
});
