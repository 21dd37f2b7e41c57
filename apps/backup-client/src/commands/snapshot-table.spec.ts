// Tables and documents of snapshots, in restic's shape.
import { describe, expect, it } from 'vitest';
import { type ForgetSummary, shortIdsOf } from '#backup';
import { testSnapshot } from '../../../../libs/backup/src/snapshots/testing-snapshots.js';
import { forgottenDocument, formatForgotten } from './forget-report.js';
import { snapshotDocument } from './snapshot-document.js';
import { formatGroup, formatSnapshotTable } from './snapshot-table.js';

const ONE = testSnapshot({ hostname: 'laptop', paths: ['/home', '/etc'], tags: ['a'], sourceBytes: 2048 });
const TWO = testSnapshot({ hostname: 'laptop', paths: ['/home'], tags: ['a', 'b', 'c'] });
const shortId = shortIdsOf([ONE.id, TWO.id]);
const table = { shortId, compact: false };

describe('formatSnapshotTable', () => {
  it('puts several tags and paths below each other', () => {
    const lines = formatSnapshotTable([ONE, TWO], table).split('\n');
    expect(lines[0]).toMatch(/^ID +Time +Host +Tags +Paths +Size$/);
    expect(lines[1]).toMatch(/^-+$/);
    expect(lines[2]).toMatch(new RegExp(`^${shortId(ONE.id)} .* laptop +a +/home +2\\.0 KiB$`));
    expect(lines[3]).toMatch(/^ +\/etc$/);
    expect(lines[4]).toMatch(new RegExp(`^${shortId(TWO.id)} .* laptop +a +/home +0 B$`));
    expect(lines.slice(5, 7).map((line) => line.trim())).toEqual(['b', 'c']);
    expect(lines.slice(-2)).toEqual([lines[1], '2 snapshots']);
  });

  it('is short when it is compact, and has reasons where there are some', () => {
    const compact = formatSnapshotTable([TWO], { shortId, compact: true, reasons: () => ['daily snapshot'] });
    expect(compact).toMatch(/ID +Time +Host +Tags +Reasons\n/);
    expect(compact).toMatch(/a,b,c +daily snapshot\n/);
    expect(formatSnapshotTable([], table)).toBe('0 snapshots');
  });

  it('names its group', () => {
    expect(formatGroup({ hostname: 'laptop', paths: ['/a', '/b\n'], tags: null })).toBe(
      'snapshots for (host [laptop], paths [/a, /b\\n]):\n',
    );
    expect(formatGroup({ hostname: null, paths: null, tags: null })).toBe('');
  });
});

describe('documents', () => {
  it('have the members of restic, and leave out what is empty', () => {
    const document = snapshotDocument(ONE, 'short');
    expect(document).toMatchObject({ id: ONE.id, short_id: 'short', hostname: 'laptop', paths: ['/home', '/etc'] });
    expect(document.tags).toEqual(['a']);
    expect(snapshotDocument(testSnapshot(), 'x')).not.toHaveProperty('tags');
  });

  const summary: ForgetSummary = {
    known: [ONE.id, TWO.id],
    groups: [
      {
        key: { hostname: 'laptop', paths: null, tags: null },
        keep: [{ stored: TWO, reasons: ['last snapshot'], counters: { last: 1 } }],
        remove: [ONE],
      },
    ],
    removed: [ONE.id],
    retained: [],
  };

  it('tell of a policy what restic tells', () => {
    expect(forgottenDocument(summary, shortId)).toEqual([
      {
        tags: null,
        host: 'laptop',
        paths: null,
        keep: [snapshotDocument(TWO, shortId(TWO.id))],
        remove: [snapshotDocument(ONE, shortId(ONE.id))],
        reasons: [{ snapshot: expect.anything(), matches: ['last snapshot'], counters: { last: 1 } }],
      },
    ]);
    const text = formatForgotten(summary, { ...table, dryRun: true });
    for (const part of ['snapshots for (host [laptop])', 'keep 1 snapshot:', 'last snapshot', 'remove 1 snapshot:']) {
      expect(text).toContain(part);
    }
    expect(text).toMatch(new RegExp(`would remove 1 snapshot: ${shortId(ONE.id)}$`));
  });
});
