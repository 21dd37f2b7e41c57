// The key schedule (B3, B5, B10): golden values, one purpose a key, and how the next key travels.
import { createHash, hkdfSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CLIENT_ID, codeOf, exampleBytes, exampleKey, OTHER_ID } from '../../testing/examples.js';
import { decodeBase64url, encodeBase64url, encodeHex, utf8 } from '../bytes.js';
import { nobleSuite } from '../crypto/noble-suite.js';
import { nodeSuite } from '../crypto/node-suite.js';
import { TransactionKey } from './transaction-key.js';
import { unwrapTransactionKey, wrapTransactionKey } from './wrap-transaction-key.js';

const TK = exampleBytes('transaction key');
const NONCE = exampleBytes('nonce').subarray(0, 12);
const byNode = (label: string): Buffer => Buffer.from(hkdfSync('sha256', TK, '', label, 32));

describe.each([nodeSuite, nobleSuite])('a transaction key on suite $name', (suite) => {
  const key = new TransactionKey(TK, suite);
  const next = exampleKey(suite, 'next transaction key');

  it('names itself by a hash that tells nothing of it', () => {
    const hash = createHash('sha256').update('peerkeep/1/kid').update(TK).digest('hex');
    expect(key.kid).toBe(hash.slice(0, 16));
    expect(key.kid).toBe('612687dde87501b8');
  });

  it("derives its sub-keys as node's own HKDF does (SPEC §2)", () => {
    expect(encodeHex(key.wrap)).toBe(byNode('peerkeep/1/wrap').toString('hex'));
    const mac = (label: string) =>
      createHash('sha256')
        .update(suite.hmacSha256(byNode(label))(utf8('m')))
        .digest('hex');
    const ours = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
    expect(ours(key.toBroker(utf8('m')))).toBe(mac('peerkeep/1/control/to-broker'));
    expect(ours(key.toPeer(utf8('m')))).toBe(mac('peerkeep/1/control/to-peer'));
    const expand = suite.hmacSha384(suite.hmacSha384(new Uint8Array(48))(byNode('peerkeep/1/token')));
    expect(encodeHex(key.token.expand(utf8('m')))).toBe(encodeHex(expand(utf8('m'))));
  });

  it('never uses one sub-key, or itself, for two purposes (B10)', () => {
    const labels = [
      'peerkeep/1/token',
      'peerkeep/1/control/to-broker',
      'peerkeep/1/control/to-peer',
      'peerkeep/1/wrap',
    ];
    const keys = [TK, ...labels.map(byNode)].map(encodeHex);
    expect(new Set(keys).size).toBe(5);
  });

  it('is 32 bytes', () => {
    expect(() => new TransactionKey(TK.subarray(1), suite)).toThrow();
    expect(() => new TransactionKey(new Uint8Array(33), suite)).toThrow();
  });

  it('travels sealed under the one before, to its peer alone (B5)', () => {
    const wrapped = wrapTransactionKey(next, key, CLIENT_ID, NONCE);
    expect(wrapped).toHaveLength(80);
    expect(encodeHex(unwrapTransactionKey(wrapped, key, CLIENT_ID).bytes)).toBe(encodeHex(next.bytes));
    expect(codeOf(() => unwrapTransactionKey(wrapped, key, OTHER_ID))).toBe('answer_untrusted');
    expect(codeOf(() => unwrapTransactionKey(wrapped, next, CLIENT_ID))).toBe('answer_untrusted');
  });

  it('does not come out of a sealed text that was changed, cut or written otherwise', () => {
    const wrapped = wrapTransactionKey(next, key, CLIENT_ID, NONCE);
    const bytes = decodeBase64url(wrapped)!;
    for (let i = 0; i < bytes.length; i++) {
      const changed = Uint8Array.from(bytes, (byte, at) => (at === i ? byte ^ 1 : byte));
      expect(codeOf(() => unwrapTransactionKey(encodeBase64url(changed), key, CLIENT_ID))).toBe('answer_untrusted');
    }
    for (const text of ['', wrapped.slice(0, -4), `${wrapped}AAAA`, `${wrapped}=`, ` ${wrapped}`]) {
      expect(codeOf(() => unwrapTransactionKey(text, key, CLIENT_ID))).toBe('answer_untrusted');
    }
  });
});
