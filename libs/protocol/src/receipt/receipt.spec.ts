// Receipts (B19): JWS that another library verifies and makes, and nothing else.
import { CompactSign, compactVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import {
  CID,
  CLIENT_ID,
  codeOf,
  HOST_ID,
  NOW_MS,
  OTHER_CID,
  p256KeyPair,
  TRANSACTION_ID,
  TRUST_DOMAIN,
} from '../../testing/examples.js';
import { itemsOf } from '../../testing/token-kinds.js';
import { encodeBase64url, utf8 } from '../bytes.js';
import { es256Signer, es256Verifier } from '../crypto/es256.js';
import { ERRORS } from '../errors.js';
import {
  BATCH_ITEMS_MAX,
  BATCH_RECEIPT_TEXT_BYTES_MAX,
  RECEIPT_RESULT_CHARS_MAX,
  SHARD_BYTES_MAX,
  TOKEN_USES_MAX,
} from '../limits.js';
import { decodeReceipt, encodeReceipt, type ReceiptClaims, type ReceiptItem } from './receipt.js';

const identity = p256KeyPair();
const sign = es256Signer(identity.privateKey);
const verify = es256Verifier(identity.publicKey);
const HEADER = { alg: 'ES256', typ: 'peerkeep-receipt+jwt' };
const CLAIMS: ReceiptClaims = {
  trustDomain: TRUST_DOMAIN,
  transactionId: TRANSACTION_ID,
  op: 'put',
  hostId: HOST_ID,
  clientId: CLIENT_ID,
  items: [{ cid: CID, sizeBytes: 1000, result: 'stored' }],
  timeMs: NOW_MS,
};
const receipt = encodeReceipt(CLAIMS, sign);
const PAYLOAD = JSON.parse(Buffer.from(receipt.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>;
const verdict = (text: string) => codeOf(() => decodeReceipt(text, verify));

function signedByHand(header: string, payload: string): string {
  const signed = `${encodeBase64url(utf8(header))}.${encodeBase64url(utf8(payload))}`;
  return `${signed}.${encodeBase64url(sign(utf8(signed)))}`;
}

describe('a receipt', () => {
  it('says what was done, and comes back as it was', () => {
    expect(decodeReceipt(receipt, verify)).toEqual(CLAIMS);
  });

  it('is verified by jose', async () => {
    const { payload, protectedHeader } = await compactVerify(receipt, identity.publicKey, { algorithms: ['ES256'] });
    expect(protectedHeader).toEqual(HEADER);
    expect(JSON.parse(Buffer.from(payload).toString())).toEqual({
      domain: TRUST_DOMAIN,
      jti: TRANSACTION_ID,
      op: 'put',
      iss: HOST_ID,
      sub: CLIENT_ID,
      items: [{ cid: CID, size: 1000, result: 'stored' }],
      time: '2026-11-20T08:00:00.000Z',
    });
  });

  it('made by jose with the same header is verified by us', async () => {
    const theirs = await new CompactSign(utf8(JSON.stringify(PAYLOAD)))
      .setProtectedHeader(HEADER)
      .sign(identity.privateKey);
    expect(decodeReceipt(theirs, verify)).toEqual(CLAIMS);
  });

  it('of another host, or changed in any character, does not hold', () => {
    expect(codeOf(() => decodeReceipt(receipt, es256Verifier(p256KeyPair().publicKey)))).toBe('receipt_invalid');
    for (let i = 0; i < receipt.length; i++) {
      const changed = receipt.slice(0, i) + (receipt[i] === 'A' ? 'B' : 'A') + receipt.slice(i + 1);
      expect(verdict(changed), `character ${i}`).toBe('receipt_invalid');
    }
  });

  it.each<[string, string]>([
    ['alg none', `${encodeBase64url(utf8('{"alg":"none","typ":"peerkeep-receipt+jwt"}'))}.${receipt.split('.')[1]}.`],
    ['another alg, signed', signedByHand('{"alg":"HS256","typ":"peerkeep-receipt+jwt"}', JSON.stringify(PAYLOAD))],
    ['no typ, signed', signedByHand('{"alg":"ES256"}', JSON.stringify(PAYLOAD))],
    [
      'a key in the header, signed',
      signedByHand('{"alg":"ES256","typ":"peerkeep-receipt+jwt","jwk":{}}', JSON.stringify(PAYLOAD)),
    ],
    [
      'the header in other words, signed',
      signedByHand('{ "alg":"ES256","typ":"peerkeep-receipt+jwt"}', JSON.stringify(PAYLOAD)),
    ],
    ['two parts', receipt.split('.').slice(0, 2).join('.')],
    ['four parts', `${receipt}.AAAA`],
    ['padding', `${receipt}==`],
    ['white space', `${receipt}\n`],
    ['no text', ''],
    ['5 KiB, signed', signedByHand(JSON.stringify(HEADER), JSON.stringify(PAYLOAD) + ' '.repeat(5 * 1024))],
  ])('with %s is refused', (_, text) => {
    expect(verdict(text)).toBe('receipt_invalid');
  });

  it.each<[string, unknown]>([
    ['an extra member', { ...PAYLOAD, credit: 1 }],
    ['an unknown result', { ...PAYLOAD, items: [{ cid: CID, size: 1, result: 'ok' }] }],
    ['an unknown op', { ...PAYLOAD, op: 'erase' }],
    ['no items', { ...PAYLOAD, items: [] }],
    ['a time in seconds', { ...PAYLOAD, time: 1_795_000_000 }],
    ['a list', [PAYLOAD]],
  ])('whose signature holds but that has %s is refused', (_, payload) => {
    expect(verdict(signedByHand(JSON.stringify(HEADER), JSON.stringify(payload)))).toBe('receipt_invalid');
    expect(verdict(signedByHand(JSON.stringify(HEADER), JSON.stringify(PAYLOAD)))).toBe('accepted');
  });

  it('whose signature holds but that is not JSON is refused', () => {
    expect(verdict(signedByHand(JSON.stringify(HEADER), '{'))).toBe('receipt_invalid');
  });
});

describe('the items of a receipt', () => {
  const item = (result: string, cid = CID, sizeBytes = 1000): ReceiptItem => ({ cid, sizeBytes, result });
  const of = (changes: Partial<ReceiptClaims>): ReceiptClaims => ({ ...CLAIMS, ...changes });
  const byHand = (claims: ReceiptClaims) => {
    const { items, use, op } = claims;
    const listed = items.map(({ cid, sizeBytes, result }) => ({ cid, size: sizeBytes, result }));
    const { time, ...front } = PAYLOAD;
    const payload = { ...front, op, items: listed, ...(use === undefined ? {} : { use }), time };
    return signedByHand(JSON.stringify(HEADER), JSON.stringify(payload));
  };
  const batchOf = (count: number, result: string) =>
    itemsOf(count).map(({ cid, sizeBytes }) => ({ cid, sizeBytes, result }));

  it.each<[string, Partial<ReceiptClaims>]>([
    ['a put', {}],
    ['a get', { op: 'get', items: [item('served')] }],
    ['a delete', { op: 'delete', items: [item('deleted')] }],
    [
      'the third use of a stream, past the size of any shard',
      { op: 'stream', use: 3, items: [item('served', CID, 2 ** 40)] },
    ],
    ['a put under a universal token', { use: TOKEN_USES_MAX }],
    ['a get under a universal token', { op: 'get', use: 1, items: [item('served')] }],
    ['a put of two, one of them refused', { items: [item('stored'), item('host_full', OTHER_CID)] }],
    ['a get of two, both refused', { op: 'get', items: [item('shard_unknown'), item('shard_corrupt', OTHER_CID)] }],
    [
      'a delete of two, one of them retained',
      { op: 'delete', items: [item('deleted'), item('shard_retained', OTHER_CID)] },
    ],
    ['a result that this program does not know', { items: [item('stored'), item('a_code_of_tomorrow', OTHER_CID)] }],
    ['1,024 items', { items: batchOf(BATCH_ITEMS_MAX, 'stored') }],
  ])('of %s come back as they were, from us and by hand', (_, changes) => {
    const claims = of(changes);
    expect(decodeReceipt(encodeReceipt(claims, sign), verify)).toEqual(claims);
    expect(decodeReceipt(byHand(claims), verify)).toEqual(claims);
  });

  it.each<[string, Partial<ReceiptClaims>]>([
    ['none', { items: [] }],
    ['1,025', { items: batchOf(BATCH_ITEMS_MAX + 1, 'stored') }],
    ['one twice', { items: [item('stored'), item('stored')] }],
    ['the result of another op', { items: [item('served')] }],
    ['the result of another op, in a batch', { items: [item('stored'), item('deleted', OTHER_CID)] }],
    ['one that failed, and no other: a refusal is no receipt', { items: [item('host_full')] }],
    ['a result of 49 characters', { items: [item('stored'), item('x'.repeat(49), OTHER_CID)] }],
    ['a result in capitals', { items: [item('stored'), item('HOST_FULL', OTHER_CID)] }],
    ['an empty result', { items: [item('stored'), item('', OTHER_CID)] }],
    ['a size of 0', { items: [item('stored', CID, 0)] }],
    ['a put of more than a shard', { items: [item('stored', CID, SHARD_BYTES_MAX + 1)] }],
    ['a stream of no numbered use', { op: 'stream', items: [item('served')] }],
    ['a stream of two', { op: 'stream', use: 1, items: [item('served'), item('served', OTHER_CID)] }],
    ['a use of a delete', { op: 'delete', use: 1, items: [item('deleted')] }],
    ['a use of a batch', { use: 1, items: [item('stored'), item('stored', OTHER_CID)] }],
    ['use 0', { use: 0 }],
    ['half a use', { use: 0.5 }],
    ['a use past the bound', { use: TOKEN_USES_MAX + 1 }],
  ])('may not be: %s', (_, changes) => {
    expect(verdict(byHand(of(changes)))).toBe('receipt_invalid');
  });

  it('may not be made by us either: the host would sign what nobody takes', () => {
    expect(() => encodeReceipt(of({ items: [item('host_full')] }), sign)).toThrow();
    expect(() => encodeReceipt(of({ op: 'stream', items: [item('served')] }), sign)).toThrow();
    expect(() => encodeReceipt(of({ timeMs: Number.NaN }), sign)).toThrow();
  });

  it('fit at their longest: 1,024 items with the longest result, past 4 KiB for a batch alone', () => {
    const longest = encodeReceipt(of({ items: batchOf(BATCH_ITEMS_MAX, 'x'.repeat(RECEIPT_RESULT_CHARS_MAX)) }), sign);
    expect(longest.length).toBeLessThanOrEqual(BATCH_RECEIPT_TEXT_BYTES_MAX);
    expect(longest.length).toBeGreaterThan(150_000);
    expect(verdict(longest)).toBe('accepted');
    for (const code of Object.keys(ERRORS)) expect(code.length).toBeLessThanOrEqual(RECEIPT_RESULT_CHARS_MAX);
  });
});

describe('the payload of a receipt', () => {
  const canonical = Buffer.from(receipt.split('.')[1]!, 'base64url').toString();
  const signed = (payload: string) => verdict(signedByHand(JSON.stringify(HEADER), payload));

  it('has one text: no white space, escape, order or double of it holds, though signed', () => {
    expect(signed(canonical)).toBe('accepted');
    const members = Object.entries(PAYLOAD);
    const variants = [
      `${canonical} `,
      canonical.replace('{', '{ '),
      canonical.replace('"op":"put"', '"op":"\\u0070ut"'),
      canonical.replace('"op":"put"', '"op":"get","op":"put"'),
      canonical.replace('"size":1000', '"size":1e3'),
      canonical.replace('"size":1000', '"size":-0'),
      canonical.replace('"domain":"backup.example"', '"domain":"Backup.example"'),
      canonical.replace('"domain":"backup.example"', '"domain":""'),
      JSON.stringify(Object.fromEntries(members.toReversed())),
    ];
    for (const variant of variants) {
      expect(variant).not.toBe(canonical);
      expect(signed(variant), variant).toBe('receipt_invalid');
    }
  });
});
