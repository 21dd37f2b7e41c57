/**
 * The file of a recovery kit. Nothing in it can be read without the master key, and a byte that is changed anywhere is
 * found out.
 *
 * | offset | bytes | field                                                                    |
 * | ------ | ----- | ------------------------------------------------------------------------ |
 * | 0      | 7     | "PEERKIT"                                                                |
 * | 7      | 1     | version of the format, 1                                                 |
 * | 8      | 32    | salt, random                                                             |
 * | 40     | n     | AES-256-GCM(file key, nonce of zeros, ad = bytes 0 to 39, gzip of JSON)  |
 * | 40 + n | 16    | its tag                                                                  |
 *
 * The file key is HKDF-SHA-256(kit key, salt, "peerkeep/1/kit-file"), so that no key seals two files.
 */
import { strict as assert } from 'node:assert';
import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { KEY_BYTES, ProtocolError } from '#protocol';
import { gcmOpen, gcmSealInto, NONCE_BYTES, TAG_BYTES } from '../objects/aes-gcm.js';
import { KIT_TEXT_BYTES_MAX } from './kit-limits.js';
import { type RecoveryKit, recoveryKit } from './recovery-kit.js';

const MAGIC = Buffer.from('PEERKIT');
const VERSION = 1;
export const KIT_SALT_BYTES = 32;
const HEAD_BYTES = MAGIC.length + 1 + KIT_SALT_BYTES;
const NONCE = Buffer.alloc(NONCE_BYTES);

/**
 * Seal a kit. Pure.
 *
 * kitKey   DataKeys.kitKey
 * salt     32 fresh random bytes
 * throws   kit_full for one whose text has more than KIT_TEXT_BYTES_MAX bytes
 */
export function sealKit(kit: RecoveryKit, kitKey: Uint8Array, salt: Uint8Array): Buffer {
  assert.equal(salt.length, KIT_SALT_BYTES);
  const text = Buffer.from(JSON.stringify(kit));
  if (text.length > KIT_TEXT_BYTES_MAX) throw new ProtocolError('kit_full', { bytes: text.length });
  const packed = gzipSync(text);
  const file = Buffer.alloc(HEAD_BYTES + packed.length + TAG_BYTES);
  MAGIC.copy(file);
  file[MAGIC.length] = VERSION;
  file.set(salt, MAGIC.length + 1);
  const associatedData = file.subarray(0, HEAD_BYTES);
  gcmSealInto({ secret: fileKey(kitKey, salt), nonce: NONCE, associatedData }, packed, file, HEAD_BYTES);
  return file;
}

/**
 * Open a kit. Pure.
 *
 * throws   kit_invalid for a file that this key did not seal, or of which a byte is another
 */
export function openKit(file: Uint8Array, kitKey: Uint8Array): RecoveryKit {
  const head = file.subarray(0, HEAD_BYTES);
  if (file.length < HEAD_BYTES + TAG_BYTES || !MAGIC.equals(head.subarray(0, MAGIC.length))) {
    throw new ProtocolError('kit_invalid', {}, { detail: 'this file is no recovery kit' });
  }
  if (head[MAGIC.length] !== VERSION) {
    const detail = 'this recovery kit is damaged, or of a newer program';
    throw new ProtocolError('kit_invalid', { version: head[MAGIC.length] ?? null }, { detail });
  }
  const secret = fileKey(kitKey, head.subarray(MAGIC.length + 1));
  const packed = gcmOpen({ secret, nonce: NONCE, associatedData: head }, file.subarray(HEAD_BYTES));
  if (packed === null) throw new ProtocolError('kit_invalid');
  return readKit(packed);
}

/** What a key of ours sealed is still read strictly: it is as old as its program. */
function readKit(packed: Buffer): RecoveryKit {
  try {
    const text = gunzipSync(packed, { maxOutputLength: KIT_TEXT_BYTES_MAX }).toString('utf8');
    return recoveryKit.parse(JSON.parse(text));
  } catch (cause) {
    throw new ProtocolError('kit_invalid', {}, { cause, detail: 'this recovery kit says what no kit may say' });
  }
}

function fileKey(kitKey: Uint8Array, salt: Uint8Array): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', kitKey, salt, 'peerkeep/1/kit-file', KEY_BYTES)));
}
