// The file of a recovery kit (docs/formats.md): fixed bytes open, every changed byte and every other key does not (B7, B20).
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ContentId, decodeBase64url, encodeBase64url, isRefusal, type ObjectId, type PeerId } from '#protocol';
import { deriveDataKeys } from '../keys.js';
import { KitBroker } from './kit-broker.js';
import { openKit, sealKit } from './kit-file.js';
import type { RecoveryKit } from './recovery-kit.js';

interface KitVector {
  readonly masterKey: string;
  readonly salt: string;
  readonly kit: RecoveryKit;
  readonly file: string;
}
const vector = JSON.parse(readFileSync(new URL('../../vectors/kit-v1.json', import.meta.url), 'utf8')) as KitVector;
const bytesOf = (text: string): Buffer => Buffer.from(decodeBase64url(text)!);

const { kitKey } = deriveDataKeys(bytesOf(vector.masterKey));
const file = bytesOf(vector.file);

function codeOf(open: () => unknown): string {
  try {
    open();
  } catch (error) {
    if (isRefusal(error)) return error.code;
    throw error;
  }
  return 'opened';
}

describe('the file of a recovery kit', () => {
  it('of fixed bytes opens, and says what was put in', () => {
    expect(openKit(file, kitKey)).toEqual(vector.kit);
    expect(file.subarray(0, 8).toString('latin1')).toBe('PEERKIT\x01');
    expect(encodeBase64url(file.subarray(8, 40))).toBe(vector.salt);
  });

  it('is sealed and opened again, under a key that follows from the salt', () => {
    const again = sealKit(vector.kit, kitKey, createHash('sha256').update('another salt').digest());
    expect(openKit(again, kitKey)).toEqual(vector.kit);
    expect(again.subarray(40, 56).equals(file.subarray(40, 56))).toBe(false);
  });

  it('does not open with one byte changed, in any of its regions, nor cut off, nor with more behind it: kit_invalid', () => {
    for (let at = 0; at < file.length; at++) {
      const changed = Buffer.from(file);
      changed[at]! ^= 1 << (at % 8);
      expect(codeOf(() => openKit(changed, kitKey))).toBe('kit_invalid');
    }
    for (const length of [0, 7, 8, 39, 40, 55, file.length - 1])
      expect(codeOf(() => openKit(file.subarray(0, length), kitKey))).toBe('kit_invalid');
    expect(codeOf(() => openKit(Buffer.concat([file, Buffer.of(0)]), kitKey))).toBe('kit_invalid');
  });

  it('does not open with any other key, and any other bytes are no kit', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array({ maxLength: 200 }), (key, bytes) => {
        expect(codeOf(() => openKit(file, deriveDataKeys(key).kitKey))).toBe('kit_invalid');
        expect(codeOf(() => openKit(bytes, kitKey))).toBe('kit_invalid');
      }),
      { numRuns: 50 },
    );
  });

  it('that its own key sealed is still read strictly', () => {
    const salt = bytesOf(vector.salt);
    const [object] = vector.kit.objects;
    for (const unsound of [
      { ...vector.kit, more: 1 },
      { ...vector.kit, tokens: [] },
      { ...vector.kit, hosts: [] },
      { ...vector.kit, objects: [{ ...object!, shards: [[9, object!.shards[0]![1], 0]] }] },
    ]) {
      expect(codeOf(() => openKit(sealKit(unsound as RecoveryKit, kitKey, salt), kitKey))).toBe('kit_invalid');
    }
  });
});

describe('the broker of a kit', () => {
  const broker = new KitBroker(vector.kit);
  const [object] = vector.kit.objects;

  it('lists what the kit names, and permits to get it where it is, but not at hosts to be avoided', async () => {
    const { objects } = await broker.listObjects();
    expect(objects.map(({ objectId }) => objectId)).toEqual(vector.kit.objects.map(({ objectId }) => objectId));
    expect((await broker.listObjects({ kind: 'index' })).objects).toEqual([]);
    const ask = async (avoid: PeerId[]) =>
      (await broker.beginGet({ objects: [{ objectId: object!.objectId, avoid }] })).objects[0]!;
    const { permissions } = await ask([]);
    expect(permissions).toEqual([
      {
        index: 0,
        cid: object!.shards[0]![1] as ContentId,
        sizeBytes: 1_024,
        transactionId: vector.kit.tokens[0]!.transactionId,
        token: vector.kit.tokens[0]!.token,
        host: vector.kit.hosts[0],
      },
    ]);
    expect((await ask([vector.kit.hosts[0]!.peerId])).permissions).toEqual([]);
  });

  it('permits nothing else', async () => {
    const unknown = '0193f3a0-0000-7000-8000-0000000000ff' as ObjectId;
    await expect(broker.beginGet({ objects: [{ objectId: unknown, avoid: [] }] })).rejects.toMatchObject({
      code: 'object_unknown',
    });
    for (const call of [broker.redundancy(), broker.beginPut({ objects: [] }), broker.beginDelete({ objectIds: [] })])
      await expect(call).rejects.toMatchObject({ code: 'kit_only_restores' });
  });
});
