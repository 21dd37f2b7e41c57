// The snapshot document: one text per snapshot, refusals by code.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBase64url, isRefusal, type PeerId } from '#protocol';
import { decodeSnapshot, encodeSnapshot, type Snapshot } from './snapshot-codec.js';

const ID = encodeBase64url(new Uint8Array(32).fill(9));
const MACHINE = '01890a5d-ac96-774b-bcce-b302099a8057' as PeerId;
const counts = { files: 3, directories: 2, symlinks: 1, specials: 5, skipped: 0, sourceBytes: 9, addedBytes: 4 };
const about = { time: '2026-11-20T08:00:00.000Z', hostname: 'h', paths: ['/home/é'], root: [ID] };
const least: Snapshot = { ...about, excludes: [], tags: [], ...counts };
const full: Snapshot = {
  ...least,
  id: 'a-1',
  username: 'u',
  machineId: MACHINE,
  excludes: ['*.tmp'],
  tags: ['one', 'é'],
  parent: 'b_2',
  original: 'c-3',
  program: 'peerkeep 0.1.0',
};
const V1 =
  `{"peerkeep":"snapshot","version":1,"id":"a-1","time":"2026-11-20T08:00:00.000Z","hostname":"h","username":"u",` +
  `"paths":["/home/é"],"root":["${ID}"],"files":3,"directories":2,"symlinks":1,"skipped":0,"sourceBytes":9,` +
  `"addedBytes":4,"parent":"b_2"}`;

function refusal(bytes: Uint8Array): string {
  try {
    decodeSnapshot(bytes);
  } catch (error) {
    if (isRefusal(error)) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('the snapshot document', () => {
  it('has this text, whatever order the members came in', () => {
    const reversed = Object.fromEntries(Object.entries(full).reverse()) as Snapshot;
    expect(Buffer.from(encodeSnapshot(reversed)).toString()).toBe(
      `{"peerkeep":"snapshot","version":2,"id":"a-1","time":"2026-11-20T08:00:00.000Z","hostname":"h","username":"u",` +
        `"machineId":"${MACHINE}","paths":["/home/é"],"excludes":["*.tmp"],"tags":["one","é"],"root":["${ID}"],` +
        `"files":3,"directories":2,"symlinks":1,"specials":5,"skipped":0,"sourceBytes":9,"addedBytes":4,` +
        `"parent":"b_2","original":"c-3","program":"peerkeep 0.1.0"}`,
    );
  });

  it('comes back whole, with and without the optional members', () => {
    for (const snapshot of [least, full]) expect(decodeSnapshot(encodeSnapshot(snapshot))).toEqual(snapshot);
  });

  it('is read as version 1 wrote it: without what came later, in its own order alone', () => {
    const { machineId: _machine, original: _original, program: _program, ...rest } = full;
    expect(decodeSnapshot(Buffer.from(V1))).toEqual({ ...rest, excludes: [], tags: [], specials: 0 });
    for (const document of [
      V1.replace('"parent"', '"tags":[],"parent"'),
      V1.replace('"addedBytes":4', '"addedBytes":4,"specials":0'),
      V1.replace('"skipped":0,"sourceBytes":9', '"sourceBytes":9,"skipped":0'),
      V1.replace('"version":1', '"version":1.0'),
      V1.replace('"version":1', '"version":2'),
    ]) {
      expect(refusal(Buffer.from(document))).toBe('snapshot_damaged');
    }
  });

  it('accepts only its own bytes', () => {
    const bytes = Buffer.from(encodeSnapshot(full));
    let accepted = 0;
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }), fc.boolean(), (at, byte, insert) => {
        const mutated = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.from([byte]),
          bytes.subarray(insert ? at : at + 1),
        ]);
        if (refusal(mutated) !== 'accepted') return;
        accepted += 1;
        expect(Buffer.from(encodeSnapshot(decodeSnapshot(mutated))).equals(mutated)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
    expect(accepted).toBeGreaterThan(0);
  });

  const text = Buffer.from(encodeSnapshot(full)).toString();
  it.each([
    ['a later version', text.replace('"version":2', '"version":3'), 'format_unsupported'],
    ['a peer that is none', text.replace(MACHINE, MACHINE.replace('7', 'x')), 'snapshot_damaged'],
    ['an empty tag', text.replace('"one"', '""'), 'snapshot_damaged'],
    ['no list of tags', text.replace('"tags":["one","é"],', ''), 'snapshot_damaged'],
    ['a later version with other members', '{"peerkeep":"snapshot","version":7}', 'format_unsupported'],
    ['version 0', text.replace('"version":2', '"version":0'), 'snapshot_damaged'],
    ['another document', text.replace('"snapshot"', '"tree"'), 'snapshot_damaged'],
    ['an unknown member', text.replace('}', ',"x":1}'), 'snapshot_damaged'],
    ['no root', text.replace(`"${ID}"`, ''), 'snapshot_damaged'],
    ['a time without milliseconds', text.replace('.000Z', 'Z'), 'snapshot_damaged'],
    ['30 February', text.replace('2026-11-20', '2026-02-30'), 'snapshot_damaged'],
    ['a space', `${text} `, 'snapshot_damaged'],
    ['no JSON', 'x', 'snapshot_damaged'],
    ['no bytes', '', 'snapshot_damaged'],
  ])('refuses %s', (_what, document, code) => {
    expect(refusal(Buffer.from(document))).toBe(code);
  });

  it('refuses bytes that are no UTF-8', () => {
    expect(refusal(Buffer.from([0x7b, 0xff, 0x7d]))).toBe('snapshot_damaged');
  });

  it('refuses to encode more paths than a chunk can hold', () => {
    const paths = Array.from({ length: 1_024 }, () => `/${'p'.repeat(4_000)}`);
    expect(() => encodeSnapshot({ ...least, paths })).toThrowError(expect.objectContaining({ code: 'usage' }));
  });

  it.each([
    ['paths', { paths: Array.from({ length: 1_025 }, () => '/') }],
    ['patterns', { excludes: Array.from({ length: 4_097 }, () => '*') }],
    ['tags', { tags: Array.from({ length: 257 }, () => 'tag') }],
  ])('refuses to encode more %s than it holds', (_what, members) => {
    expect(() => encodeSnapshot({ ...least, ...members })).toThrowError(expect.objectContaining({ code: 'usage' }));
  });
});
