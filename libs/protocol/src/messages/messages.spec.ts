// The fields that messages share refuse what they must, and problem documents carry codes both ways.
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { CID, CLIENT_ID } from '../../testing/examples.js';
import { encodeBase64url } from '../bytes.js';
import { ERRORS, isErrorCode, ProtocolError } from '../errors.js';
import { enrolmentKeyField } from './enrolment.js';
import {
  amountField,
  bytesField,
  bytesUpToField,
  contentIdField,
  peerAddressField,
  peerIdField,
  peerNameField,
  shardSizeField,
  timeField,
} from './fields.js';
import { errorFromProblem, problemFrom } from './problem.js';
import { relayPresenceRequest } from './relays.js';
import { report, sendReportsAnswer } from './transactions.js';

const takes = (schema: z.ZodType, value: unknown): boolean => schema.safeParse(value).success;

describe('what a relay says of itself', () => {
  const presence = {
    program: 'test',
    address: '198.51.100.7',
    port: 443,
    webPort: null,
    peers: 0,
    peersMax: 1,
    streams: 0,
    bytesPerSecond: 2 ** 53 - 1,
    isEnding: false,
  };
  it.each(['peers', 'peersMax', 'streams'])('fits a column of 32 bits: %s', (name) => {
    expect(takes(relayPresenceRequest, { ...presence, [name]: 2 ** 31 - 1 })).toBe(true);
    expect(takes(relayPresenceRequest, { ...presence, [name]: 2 ** 31 })).toBe(false);
  });
});

describe('a field', () => {
  it.each<[string, z.ZodType, unknown[], unknown[]]>([
    ['peer id', peerIdField, [CLIENT_ID], [CLIENT_ID.toUpperCase(), `${CLIENT_ID} `, '', null, 7]],
    [
      'content id',
      contentIdField,
      [CID],
      [
        `${CID}=`,
        CID.slice(1),
        `${CID.slice(0, -1)}B`,
        encodeBase64url(new Uint8Array(31)),
        encodeBase64url(new Uint8Array(33)),
      ],
    ],
    [
      'time',
      timeField,
      ['2026-11-20T08:00:00.000Z'],
      ['2026-11-20T08:00:00Z', '2026-02-30T08:00:00.000Z', 1_795_000_000],
    ],
    ['shard size', shardSizeField, [1, 67_108_864], [0, -1, 1.5, 67_108_865, '1', Number.NaN]],
    [
      'peer name',
      peerNameField,
      ['a', 'my-laptop-2', 'a'.repeat(63)],
      ['', '-a', 'a-', 'A', 'a.b', 'a b', 'a'.repeat(64), 'ä'],
    ],
    ['amount', amountField, ['0', '1', '9007199254740993'], ['', '-1', '01', '1.0', '1e3', ' 1', '1'.repeat(20)]],
    [
      'enrolment key',
      enrolmentKeyField,
      [`pke_${'A'.repeat(43)}`],
      ['pke_', `pke_${'A'.repeat(44)}`, `PKE_${'A'.repeat(43)}`],
    ],
    ['32 bytes', bytesField(32), [encodeBase64url(new Uint8Array(32))], ['', encodeBase64url(new Uint8Array(31)), 32]],
    [
      '1 to 8 bytes',
      bytesUpToField(8),
      ['AA', encodeBase64url(new Uint8Array(8))],
      ['', 'A', 'AB', encodeBase64url(new Uint8Array(9)), 'AA=='],
    ],
  ])('%s takes its values and no others', (_, schema, good, bad) => {
    for (const value of good) expect(takes(schema, value), String(value)).toBe(true);
    for (const value of bad) expect(takes(schema, value), String(value)).toBe(false);
  });

  it('peer address is an IP address in its plain form, never a name (trap 16)', () => {
    const withAddress = (address: string) => takes(peerAddressField, { peerId: CLIENT_ID, address, port: 1 });
    expect(['192.0.2.1', '2001:db8::1'].every(withAddress)).toBe(true);
    expect(['localhost', '2130706433', '0x7f.1', '127.1', '1.2.3.4:5', '[::1]', '１.2.3.4'].some(withAddress)).toBe(
      false,
    );
    expect(takes(peerAddressField, { peerId: CLIENT_ID, address: '192.0.2.1', port: 0 })).toBe(false);
    expect(takes(peerAddressField, { peerId: CLIENT_ID, address: '192.0.2.1', port: 65_536 })).toBe(false);
  });

  it('report has a code, perhaps of a newer program, and no member more (B19)', () => {
    const refused = {
      outcome: 'refused',
      code: 'token_invalid',
      clientId: CLIENT_ID,
      count: 1,
      at: '2026-11-20T08:00:00.000Z',
    };
    expect(takes(report, refused)).toBe(true);
    expect(takes(report, { ...refused, code: 'code_of_a_newer_program2' })).toBe(true);
    for (const code of ['toString', '', '2late', '_x', 'a b', 'x\n', 'x'.repeat(65)]) {
      expect(takes(report, { ...refused, code }), code).toBe(false);
    }
    expect(takes(report, { ...refused, count: 1_000_000 })).toBe(true);
    expect(takes(report, { ...refused, count: 1_000_001 })).toBe(false);
    expect(takes(report, { ...refused, extra: 1 })).toBe(false);
    expect(takes(report, { ...refused, outcome: 'other' })).toBe(false);
  });
});

describe('the code of a failure', () => {
  it('is never a word that means success', () => {
    for (const code of ['done', 'recorded']) {
      const failed = { outcome: 'failed', transactionId: CLIENT_ID, code, at: '2026-11-20T08:00:00.000Z' };
      expect(takes(report, failed), code).toBe(false);
      expect(takes(report, { ...failed, code: `${code}_not` }), code).toBe(true);
    }
  });

  it('may be one of a newer broker in its results', () => {
    expect(takes(sendReportsAnswer, { results: ['recorded', 'code_of_a_newer_broker'] })).toBe(true);
    expect(takes(sendReportsAnswer, { results: ['Not a code'] })).toBe(false);
  });
});

describe('a problem document', () => {
  it('carries every code there and back (B17)', () => {
    for (const code of Object.keys(ERRORS)) {
      if (!isErrorCode(code)) continue;
      const problem = problemFrom(new ProtocolError(code, { transactionId: CLIENT_ID }));
      expect(problem).toMatchObject({ code, status: ERRORS[code].status, type: `urn:peerkeep:error:${code}` });
      const back = errorFromProblem(JSON.parse(JSON.stringify(problem)));
      expect(back).toMatchObject({ code, facts: { transactionId: CLIENT_ID } });
    }
  });

  it('keeps the cause at home', () => {
    const error = new ProtocolError('internal', {}, { cause: new Error('the secret path') });
    expect(JSON.stringify(problemFrom(error))).not.toContain('secret');
  });

  it.each([null, 'text', [], {}, { code: 'token_invalid' }])('is not %j', (body) => {
    expect(errorFromProblem(body)).toBeNull();
  });

  it('with a code that we do not know is nobody to us', () => {
    const problem = { ...problemFrom(new ProtocolError('internal')), code: 'constructor' };
    expect(errorFromProblem(problem)).toBeNull();
  });
});

describe('the catalogue of errors', () => {
  it('gives each code a status of HTTP, a title and a hint', () => {
    for (const [code, row] of Object.entries(ERRORS)) {
      expect(code).toMatch(/^[a-z]+(?:_[a-z]+)*$/);
      expect(row.status).toBeGreaterThanOrEqual(400);
      expect(row.status).toBeLessThan(600);
      expect(row.title.length * row.hint.length).toBeGreaterThan(0);
    }
  });

  it('knows its own codes only, not what objects inherit', () => {
    expect(isErrorCode('token_invalid')).toBe(true);
    for (const code of ['toString', '__proto__', 'constructor', '', 5, null]) expect(isErrorCode(code)).toBe(false);
  });
});
