// Receipts (B19): JWS that another library verifies and makes, and nothing else.
import { CompactSign, compactVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import {
  CID,
  CLIENT_ID,
  codeOf,
  HOST_ID,
  NOW_MS,
  p256KeyPair,
  TRANSACTION_ID,
  TRUST_DOMAIN,
} from '../../testing/examples.js';
import { encodeBase64url, utf8 } from '../bytes.js';
import { es256Signer, es256Verifier } from '../crypto/es256.js';
import { decodeReceipt, encodeReceipt, type ReceiptClaims } from './receipt.js';

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
