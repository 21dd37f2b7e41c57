// Notices to bytes and back: only the encoder's own bytes are read, and a later version is told apart from damage.
import { describe, expect, it } from 'vitest';
import { type ObjectId, type PeerId, ProtocolError } from '#protocol';
import { decodeNotice, encodeNotice, type Notice } from './notice-codec.js';

const machineId = '01900000-0000-7000-8000-000000000001' as PeerId;
const objects = ['01900000-0000-7000-8000-000000000002', '01900000-0000-7000-8000-000000000003'] as ObjectId[];
const MARK: Notice = { notice: 'mark', machineId, graceMs: 86_400_000, objects };
const HOLD: Notice = { notice: 'hold', machineId, lifeMs: 1_000, since: '2026-11-20T08:00:00.000Z', objects: [] };

function refused(bytes: Uint8Array): string {
  try {
    decodeNotice(bytes);
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
  return 'read';
}

describe('notice codec', () => {
  it('has bytes that do not change', () => {
    expect(encodeNotice(MARK).toString()).toBe(
      '{"peerkeep":"notice","version":1,"notice":"mark","machineId":"01900000-0000-7000-8000-000000000001",' +
        '"graceMs":86400000,"objects":["01900000-0000-7000-8000-000000000002","01900000-0000-7000-8000-000000000003"]}',
    );
    expect(encodeNotice(HOLD).toString()).toBe(
      '{"peerkeep":"notice","version":1,"notice":"hold","machineId":"01900000-0000-7000-8000-000000000001",' +
        '"lifeMs":1000,"since":"2026-11-20T08:00:00.000Z","objects":[]}',
    );
  });

  it.each([MARK, HOLD, { ...HOLD, since: null }])('reads what it wrote', (notice) => {
    expect(decodeNotice(encodeNotice(notice))).toEqual(notice);
  });

  it.each<[string, (text: string) => string, string]>([
    ['as it was written', (text) => text, 'read'],
    ['with a space', (text) => text.replace(',', ', '), 'snapshot_damaged'],
    ['with another member', (text) => text.replace('{', '{"more":1,'), 'snapshot_damaged'],
    ['with an id that is none', (text) => text.replace('0003"', '0003x"'), 'snapshot_damaged'],
    ['with a negative grace', (text) => text.replace('86400000', '-1'), 'snapshot_damaged'],
    ['of a later version', (text) => text.replace('"version":1', '"version":2'), 'format_unsupported'],
    ['of another document', (text) => text.replace('"notice"', '"snapshot"'), 'snapshot_damaged'],
    ['that is no JSON', (text) => text.slice(1), 'snapshot_damaged'],
  ])('a notice %s', (_what, change, expected) => {
    expect(refused(Buffer.from(change(encodeNotice(MARK).toString())))).toBe(expected);
  });

  it('refuses bytes that are no text', () => {
    expect(refused(Buffer.from([0xff, 0xfe]))).toBe('snapshot_damaged');
  });
});
