// Every op against every request, and the bounds of every op: what its tokens must, may and must not have (B12, B13, B16).
import { AssertionError } from 'node:assert';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CID,
  CLIENT_ID,
  codeOf,
  exampleBytes,
  exampleClaims,
  exampleKey,
  HOST_ID,
  NOW_MS,
  OTHER_CID,
  OTHER_ID,
  TRUST_DOMAIN,
} from '../../testing/examples.js';
import {
  cidOf,
  expectationOf,
  GROUP_ID,
  itemsOf,
  ONE_ITEM,
  REQUESTS,
  soundClaims,
  TOKEN_KINDS,
  type TokenKind,
  TWO_ITEMS,
} from '../../testing/token-kinds.js';
import { concatBytes, utf8 } from '../bytes.js';
import { nobleSuite } from '../crypto/noble-suite.js';
import { nodeSuite } from '../crypto/node-suite.js';
import {
  BATCH_ITEMS_MAX,
  BATCH_TOKEN_TEXT_BYTES_MAX,
  OFFLINE_ITEMS_MAX,
  RETAIN_MS_MAX,
  TOKEN_TEXT_BYTES_MAX,
  TOKEN_USES_MAX,
} from '../limits.js';
import { sealV3Local } from '../paseto/v3-local.js';
import { encodeClaims, type TokenClaims } from './claims.js';
import { encodeFooter, implicitAssertion, sealToken } from './seal-token.js';
import { TOKEN_OP_NAMES, type TokenOp, tokenOpRow } from './token-ops.js';
import { type TokenExpectation, verifyToken } from './verify-token.js';

const NONCE = exampleBytes('nonce');
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const key = exampleKey(nodeSuite);

const seal = (claims: TokenClaims, under = key) => sealToken(under, claims, NONCE);
/** Sealed by the broker's key, whatever it says: what the host makes of it alone. */
const sealBytes = (payload: Uint8Array, op?: TokenOp) =>
  sealV3Local((op === 'offline' ? key.offline : key).token, payload, {
    footer: encodeFooter((op === 'offline' ? key.offline : key).kid),
    implicit: implicitAssertion(TRUST_DOMAIN, HOST_ID),
    nonce: NONCE,
  });
const sealUnsound = (claims: TokenClaims) => sealBytes(utf8(encodeClaims(claims)), claims.op);
const verdict = (text: string, kind: TokenKind, changes: Partial<TokenExpectation> = {}) =>
  codeOf(() => verifyToken(text, expectationOf(kind, key, changes)));

const kindOf = (op: TokenOp): TokenKind => TOKEN_KINDS.find(({ claims }) => claims.op === op)!;
/** The example of an op with changes: does the broker seal it, and does the host take it? Both say the same. */
function isTaken(op: TokenOp, changes: { readonly [M in keyof TokenClaims]?: TokenClaims[M] | undefined }): boolean {
  const kind = kindOf(op);
  const claims = { ...kind.claims, ...changes } as TokenClaims;
  const isBatch = claims.items.length > 1 && op !== 'offline';
  const request = isBatch ? 'batch' : (Object.keys(kind.permits)[0] as TokenExpectation['op']);
  const [first] = claims.items;
  const cid = cidOf(request) === null ? null : (first?.cid ?? CID);
  const code = verdict(sealUnsound(claims), kind, { op: request, cid, clientId: claims.clientId });
  // One that no header carries is not even opened.
  expect(code).toMatch(
    op === 'offline' ? /^(?:accepted|token_claims_invalid|token_invalid)$/ : /^(?:accepted|token_claims_invalid)$/,
  );
  if (code === 'accepted') expect(seal(claims)).toBe(sealUnsound(claims));
  else expect(() => seal(claims)).toThrow();
  return code === 'accepted';
}

describe.each([nodeSuite, nobleSuite])('the op of a token and the request, on suite $name', (suite) => {
  const suiteKey = exampleKey(suite);

  it('every kind of token against every request: accepted in its cells, 0 off them (B12)', () => {
    const accepted: string[] = [];
    const codes = new Map<string, number>();
    for (const kind of TOKEN_KINDS) {
      const text = seal(kind.claims, suiteKey);
      for (const op of REQUESTS) {
        const expectation = expectationOf(kind, suiteKey, { op, cid: cidOf(op) });
        const code = codeOf(() => verifyToken(text, expectation));
        codes.set(code, (codes.get(code) ?? 0) + 1);
        if (code === 'accepted') accepted.push(`${kind.name} > ${op}: ${verifyToken(text, expectation).doing}`);
        // Its own request, and yet a token of several items: it is for a batch.
        else expect(code).toBe(kind.claims.op === op ? 'token_wrong_content' : 'token_wrong_op');
      }
    }
    const allowed = TOKEN_KINDS.flatMap(({ name, permits }) =>
      REQUESTS.flatMap((op) => (permits[op] === undefined ? [] : [`${name} > ${op}: ${permits[op]}`])),
    );
    expect(accepted).toEqual(allowed);
    expect(Object.fromEntries(codes)).toEqual({ accepted: 18, token_wrong_op: 63, token_wrong_content: 3 });
  });

  it('every kind of token by everybody but the one whom it names: 0 accepted (B16)', () => {
    for (const kind of TOKEN_KINDS) {
      const text = seal(kind.claims, suiteKey);
      const named = kind.claims.clientId;
      for (const clientId of ([CLIENT_ID, OTHER_ID, HOST_ID, 'broker'] as const).filter((who) => who !== named)) {
        for (const op of REQUESTS) {
          const expectation = expectationOf(kind, suiteKey, { op, cid: cidOf(op), clientId });
          expect(codeOf(() => verifyToken(text, expectation))).toBe('token_wrong_client');
        }
      }
    }
  });

  it('every kind of token about another shard, or about none: only a universal one is for any (B16)', () => {
    for (const kind of TOKEN_KINDS) {
      const text = seal(kind.claims, suiteKey);
      for (const op of Object.keys(kind.permits) as TokenExpectation['op'][]) {
        const about = (cid: TokenExpectation['cid']) =>
          codeOf(() => verifyToken(text, expectationOf(kind, suiteKey, { op, cid })));
        const namesNone = cidOf(op) === null;
        expect(about(cidOf(op))).toBe('accepted');
        expect(about(OTHER_CID)).toBe(kind.claims.op === 'universal' ? 'accepted' : 'token_wrong_content');
        if (!namesNone) expect(about(null)).toBe('token_wrong_content');
      }
    }
  });
});

describe('the claims of each op', () => {
  const OPS: readonly [TokenOp, string][] = TOKEN_OP_NAMES.map((op) => [op, op]);
  const takenBy = (changesOf: (op: TokenOp) => Partial<TokenClaims>) =>
    TOKEN_OP_NAMES.filter((op) => isTaken(op, changesOf(op)));

  it('are asked for by a peer, or by the broker alone: audit and probe', () => {
    expect(takenBy(() => ({ clientId: 'broker' }))).toEqual(['audit', 'probe']);
    expect(takenBy(() => ({ clientId: CLIENT_ID }))).toEqual([
      'put',
      'get',
      'stream',
      'delete',
      'universal',
      'offline',
    ]);
  });

  it('have items: none for probe and universal, one for stream and audit, up to 32 for offline, up to 1,024 for the others', () => {
    expect(takenBy(() => ({ items: [] }))).toEqual(['probe', 'universal']);
    expect(takenBy(() => ({ items: ONE_ITEM }))).toEqual(['put', 'get', 'stream', 'delete', 'audit', 'offline']);
    for (const count of [2, OFFLINE_ITEMS_MAX]) {
      expect(takenBy(() => ({ items: itemsOf(count) }))).toEqual(['put', 'get', 'delete', 'offline']);
    }
    for (const count of [OFFLINE_ITEMS_MAX + 1, BATCH_ITEMS_MAX]) {
      expect(takenBy(() => ({ items: itemsOf(count) }))).toEqual(['put', 'get', 'delete']);
    }
    expect(takenBy(() => ({ items: itemsOf(BATCH_ITEMS_MAX + 1) }))).toEqual([]);
    expect(takenBy(() => ({ items: [...ONE_ITEM, ...ONE_ITEM] }))).toEqual([]);
    expect(takenBy(() => ({ items: [...TWO_ITEMS, { ...ONE_ITEM[0]!, sizeBytes: 1 }] }))).toEqual([]);
    expect(takenBy(() => ({ items: [...itemsOf(BATCH_ITEMS_MAX - 1), itemsOf(1)[0]!] }))).toEqual([]);
  });

  it.each(OPS)('%s: `max` and `uses` are required or forbidden, in their bounds', (op) => {
    const { hasMaxBytes, hasMaxUses } = tokenOpRow(op);
    expect(isTaken(op, {})).toBe(true);
    expect(isTaken(op, { maxBytes: undefined })).toBe(!hasMaxBytes);
    expect(isTaken(op, { maxBytes: 1 })).toBe(hasMaxBytes);
    for (const maxBytes of [0, -1, 0.5]) expect(isTaken(op, { maxBytes })).toBe(false);
    expect(isTaken(op, { maxUses: undefined })).toBe(!hasMaxUses);
    expect(isTaken(op, { maxUses: TOKEN_USES_MAX })).toBe(hasMaxUses);
    for (const maxUses of [0, -1, 0.5, TOKEN_USES_MAX + 1]) expect(isTaken(op, { maxUses })).toBe(false);
  });

  it('may ask to retain for a put, after its issue and within ten years; may be of a group for put, get and delete', () => {
    expect(takenBy(() => ({ retainUntilMs: NOW_MS + 1 }))).toEqual(['put']);
    expect(takenBy(() => ({ retainUntilMs: NOW_MS + RETAIN_MS_MAX }))).toEqual(['put']);
    for (const retainUntilMs of [NOW_MS, NOW_MS + RETAIN_MS_MAX + 1])
      expect(takenBy(() => ({ retainUntilMs }))).toEqual([]);
    expect(takenBy(() => ({ groupId: GROUP_ID }))).toEqual(['put', 'get', 'delete']);
  });

  it.each<[TokenOp, number, number | null]>([
    ['put', 15 * MINUTE_MS, 24 * HOUR_MS],
    ['get', 15 * MINUTE_MS, 24 * HOUR_MS],
    ['stream', 24 * HOUR_MS, null],
    ['delete', 15 * MINUTE_MS, 24 * HOUR_MS],
    ['audit', 15 * MINUTE_MS, null],
    ['probe', 15 * MINUTE_MS, null],
    ['universal', HOUR_MS, null],
    ['offline', 92 * 24 * HOUR_MS, 92 * 24 * HOUR_MS],
  ])('%s: lives at most so long, and of several items perhaps longer', (op, lifeMs, batchLifeMs) => {
    const endOf = (lifeMs: number) => ({ expiresAtMs: NOW_MS + lifeMs });
    expect(isTaken(op, endOf(lifeMs))).toBe(true);
    expect(isTaken(op, endOf(lifeMs + 1))).toBe(false);
    for (const unsound of [0, -1]) expect(isTaken(op, endOf(unsound))).toBe(false);
    if (batchLifeMs === null) return;
    expect(isTaken(op, { items: TWO_ITEMS, ...endOf(batchLifeMs) })).toBe(true);
    expect(isTaken(op, { items: TWO_ITEMS, ...endOf(batchLifeMs + 1) })).toBe(false);
  });

  it('are never sealed when the host would refuse them, nor refused when the broker would seal them', () => {
    const anything = fc.oneof(
      fc.constantFrom(Number.NaN, Infinity, -Infinity, -0, 0, -1, 0.5, 8.64e15, 2 ** 53, NOW_MS, undefined),
      fc.double(),
      fc.integer(),
    );
    const member = fc.constantFrom('issuedAtMs', 'notBeforeMs', 'expiresAtMs', 'retainUntilMs', 'maxBytes', 'maxUses');
    const isSealed = (claims: TokenClaims) => {
      try {
        seal(claims);
      } catch (error) {
        if (error instanceof AssertionError) return false;
        throw error;
      }
      return true;
    };
    let sealed = 0;
    fc.assert(
      fc.property(soundClaims, member, anything, (claims, name, value) => {
        const changed = { ...claims, trustDomain: TRUST_DOMAIN, hostId: HOST_ID, [name]: value } as TokenClaims;
        if (!isSealed(changed)) return;
        sealed++;
        const request = requestOf(changed);
        const cid = request === 'batch' || request === 'probe' ? null : (changed.items[0]?.cid ?? CID);
        const at = { op: request, cid, clientId: changed.clientId, nowMs: changed.notBeforeMs } as const;
        expect(verdict(seal(changed), kindOf(changed.op), at)).toBe('accepted');
      }),
      { numRuns: 3_000 },
    );
    expect(sealed).toBeGreaterThan(50);
  });
});

function requestOf({ op, items }: TokenClaims): TokenExpectation['op'] {
  if (op === 'offline') return 'get';
  if (items.length > 1) return 'batch';
  return op === 'universal' ? 'put' : op;
}

describe('authentic claims in any text but the canonical one', () => {
  it('are token_claims_invalid, of every op (B15)', () => {
    for (const kind of TOKEN_KINDS) {
      const text = encodeClaims(kind.claims);
      const jti = `"jti":"${kind.claims.transactionId}"`;
      const variants = [
        text
          .replace('"op":"', '"op":"\\u00')
          .replace('\\u00p', '\\u0070')
          .replace(/\\u00([^7])/, '$1'),
        text.replace('{', '{ '),
        `${text}\n`,
        `${text}{}`,
        text.replace(jti, `${jti},${jti}`),
        text.replace(`${jti},`, ''),
        text.replace(jti, `${jti},"admin":true`),
        text.replace('"iss":"backup.example",', '').replace('}', ',"iss":"backup.example"}'),
        text.replaceAll(/:(\d)000/g, ':$1e3'),
        text.replaceAll(/:(\d)000/g, ':-0'),
      ].filter((variant) => variant !== text);
      expect(variants.length).toBeGreaterThanOrEqual(7);
      for (const variant of variants)
        expect(verdict(sealBytes(utf8(variant), kind.claims.op), kind), variant).toBe('token_claims_invalid');
      // Bytes that are no UTF-8 are read as U+FFFD, and no claim may hold that.
      const bytes = utf8(text);
      for (const at of [8, 60, bytes.length - 3]) {
        const broken = Uint8Array.from(bytes, (byte, i) => (i === at ? 0xff : byte));
        expect(verdict(sealBytes(broken, kind.claims.op), kind)).toBe('token_claims_invalid');
      }
      expect(verdict(sealBytes(concatBytes(Uint8Array.of(0xef, 0xbb, 0xbf), bytes), kind.claims.op), kind)).toBe(
        'token_claims_invalid',
      );
      expect(verdict(sealBytes(bytes, kind.claims.op), kind)).toBe('accepted');
    }
  });
});

describe('the length of a token', () => {
  const largest = exampleClaims({
    items: itemsOf(BATCH_ITEMS_MAX),
    retainUntilMs: NOW_MS + RETAIN_MS_MAX,
    groupId: GROUP_ID,
    trustDomain: 'd'.repeat(253),
    expiresAtMs: NOW_MS + 24 * HOUR_MS,
  });
  const batch = { op: 'batch', cid: null, trustDomain: largest.trustDomain } as const;

  it('of 1,024 items of the largest size fits the body of a batch', () => {
    const text = seal(largest);
    expect(text.length).toBeLessThanOrEqual(BATCH_TOKEN_TEXT_BYTES_MAX);
    // The drawing of SPEC §4.3.
    expect(text.length).toBe(96_524);
    expect(verdict(text, kindOf('put'), batch)).toBe('accepted');
  });

  it('of every other request fits a header of 4 KiB, with the longest trust domain', () => {
    for (const kind of TOKEN_KINDS) {
      const length = seal({ ...kind.claims, trustDomain: largest.trustDomain }).length;
      expect(length, kind.name).toBeLessThanOrEqual(TOKEN_TEXT_BYTES_MAX);
    }
  });

  it('of an offline token of 32 items of the largest size fits a header too, whatever its other claims', () => {
    const text = seal(
      exampleClaims({
        op: 'offline',
        items: itemsOf(OFFLINE_ITEMS_MAX),
        maxBytes: Number.MAX_SAFE_INTEGER,
        maxUses: TOKEN_USES_MAX,
        trustDomain: largest.trustDomain,
        expiresAtMs: NOW_MS + 92 * 24 * HOUR_MS,
      }),
    );
    expect(text.length).toBe(3_884);
    expect(text.length).toBeLessThanOrEqual(TOKEN_TEXT_BYTES_MAX);
  });

  it('past 4 KiB is refused unread where a header carries it, past 128 KiB in a batch', () => {
    const lookedUp: string[] = [];
    const keyOf = (kid: string) => {
      lookedUp.push(kid);
      return key;
    };
    const long = seal(exampleClaims({ items: itemsOf(50) }));
    expect(long.length).toBeGreaterThan(TOKEN_TEXT_BYTES_MAX);
    for (const op of REQUESTS.filter((request) => request !== 'batch')) {
      expect(verdict(long, kindOf('put'), { op, cid: cidOf(op), keyOf })).toBe('token_invalid');
    }
    const payloadBytes = (BATCH_TOKEN_TEXT_BYTES_MAX * 3) / 4;
    const tooLong = sealBytes(new Uint8Array(payloadBytes).fill(0x20));
    expect(verdict(tooLong, kindOf('put'), { op: 'batch', cid: null, keyOf })).toBe('token_invalid');
    expect(lookedUp).toEqual([]);
    expect(verdict(long, kindOf('put'), { op: 'batch', cid: null, keyOf })).toBe('accepted');
  });
});

describe('the two keys of a host', () => {
  const offline = kindOf('offline');
  const under = (sealedUnder: typeof key | typeof key.offline, claims: TokenClaims) =>
    sealV3Local(sealedUnder.token, utf8(encodeClaims(claims)), {
      footer: encodeFooter(sealedUnder.kid),
      implicit: implicitAssertion(TRUST_DOMAIN, HOST_ID),
      nonce: NONCE,
    });

  it('take the tokens of recovery kits under the one and all others under the other (B5, B10)', () => {
    for (const kind of TOKEN_KINDS) {
      const isOffline = kind.claims.op === 'offline';
      expect(verdict(under(key, kind.claims), kind)).toBe(isOffline ? 'token_claims_invalid' : 'accepted');
      expect(verdict(under(key.offline, kind.claims), kind)).toBe(isOffline ? 'accepted' : 'token_claims_invalid');
    }
    expect(key.offline.kid).not.toBe(key.kid);
  });

  it('let an offline token get each of its shards, and no other', () => {
    const text = seal({ ...offline.claims, items: TWO_ITEMS });
    for (const { cid } of TWO_ITEMS) expect(verdict(text, offline, { op: 'get', cid })).toBe('accepted');
    expect(verdict(text, offline, { op: 'get', cid: itemsOf(1)[0]!.cid })).toBe('token_wrong_content');
  });
});
