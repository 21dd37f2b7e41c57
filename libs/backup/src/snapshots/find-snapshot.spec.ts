// Which snapshot a person means by what was typed.
import { describe, expect, it } from 'vitest';
import { type ListedObject, type ObjectId, type ObjectKind, ProtocolError } from '#protocol';
import { resolveSnapshot } from './find-snapshot.js';

const EARLY = '01900000-0000-7000-8000-000000000001' as ObjectId;
const LATE = '01900000-1111-7000-8000-000000000002' as ObjectId;
const DATA = '01999999-0000-7000-8000-000000000003' as ObjectId;

function listed(objectId: ObjectId, kind: ObjectKind = 'snapshot'): ListedObject {
  const createdAt = '2026-11-20T00:00:00.000Z';
  return { objectId, kind, sizeBytes: 1, dataShards: 1, totalShards: 1, storedShards: 1, createdAt };
}

const OBJECTS = [listed(LATE), listed(DATA, 'data'), listed(EARLY)];

function resolved(wanted: string, objects: readonly ListedObject[] = OBJECTS): string {
  try {
    return resolveSnapshot(objects, wanted);
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
}

describe('resolveSnapshot', () => {
  it.each<[string, string, string]>([
    ['a whole id', EARLY, EARLY],
    ['a beginning that only one has', LATE.slice(0, 10), LATE],
    ['a beginning that several have', EARLY.slice(0, 8), 'snapshot_unknown'],
    ['an end that only one has', LATE.slice(-8), LATE],
    ['an end that is too short', LATE.slice(-7), 'snapshot_unknown'],
    ['an id of something else', DATA, 'snapshot_unknown'],
    ['an id that nobody has', EARLY.replace(/1$/, '9'), 'snapshot_unknown'],
    ['nothing', '', 'snapshot_unknown'],
  ])('%s', (_what, wanted, expected) => {
    expect(resolved(wanted)).toBe(expected);
  });

  it('takes a beginning of 8 characters when no other snapshot begins so, and no shorter one', () => {
    const objects = [listed(EARLY), listed(DATA, 'data')];
    expect(resolved(EARLY.slice(0, 8), objects)).toBe(EARLY);
    expect(resolved(EARLY.slice(0, 7), objects)).toBe('snapshot_unknown');
  });

  it('does not choose between the beginning of one and the end of another', () => {
    const twin = '01900000-2222-7000-8000-0000000a0190' as ObjectId;
    const other = '000a0190-3333-7000-8000-000000000004' as ObjectId;
    expect(resolved('000a0190', [listed(twin), listed(other)])).toBe('snapshot_unknown');
    expect(resolved('000a0190', [listed(twin)])).toBe(twin);
  });
});
