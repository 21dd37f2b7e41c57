// One value has one text: whatever the broker may say comes back as it was, and every other text of it is refused (B15).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exampleClaims } from '../../testing/examples.js';
import { mutate, randomFrom } from '../../testing/mutate.js';
import { GROUP_ID, soundClaims, TOKEN_KINDS } from '../../testing/token-kinds.js';
import { areSound, decodeClaims, encodeClaims } from './claims.js';

const kinds = TOKEN_KINDS.map(({ name, claims }) => [name, encodeClaims(claims)] as const);
const put = encodeClaims(exampleClaims());
type Json = Record<string, unknown>;

/** Which of these texts are taken. Each is another text than the canonical one. */
function takenOf(canonical: string, texts: readonly string[]): string[] {
  return texts.filter((text) => {
    expect(text).not.toBe(canonical);
    return decodeClaims(text) !== null;
  });
}

const inserted = (text: string, what: string): string[] =>
  Array.from({ length: text.length + 1 }, (_, at) => text.slice(0, at) + what + text.slice(at));

describe('claims', () => {
  it('come back as they were, of every op: decode(encode(x)) = x', () => {
    fc.assert(
      fc.property(soundClaims, (claims) => {
        expect(areSound(claims)).toBe(true);
        expect(decodeClaims(encodeClaims(claims))).toEqual(claims);
      }),
      { numRuns: 2_000 },
    );
  });

  it('have no second text, whatever is done to the first: encode(decode(text)) = text', () => {
    let taken = 0;
    fc.assert(
      fc.property(soundClaims, soundClaims, fc.integer(), (claims, others, seed) => {
        const text = mutate(encodeClaims(claims), encodeClaims(others), randomFrom(seed));
        const read = decodeClaims(text);
        if (read === null) return;
        taken++;
        expect(encodeClaims(read)).toBe(text);
        expect(areSound(read)).toBe(true);
      }),
      { numRuns: 5_000 },
    );
    // A changed digit is another sound text: the property is not empty.
    expect(taken).toBeGreaterThan(50);
  });
});

describe.each(kinds)('the text of a %s', (_, text) => {
  it('is taken, and nothing longer by white space anywhere', () => {
    expect(decodeClaims(text)).not.toBeNull();
    for (const space of [' ', '\n', '\t', '\r']) expect(takenOf(text, inserted(text, space))).toEqual([]);
  });

  it('is not taken with any character escaped', () => {
    const escaped = Array.from(text, (character, at) => {
      const code = character.charCodeAt(0).toString(16).padStart(4, '0');
      return `${text.slice(0, at)}\\u${code}${text.slice(at + 1)}`;
    });
    const inStrings = escaped.filter((candidate) => {
      try {
        return JSON.stringify(JSON.parse(candidate)) === text;
      } catch (error) {
        if (error instanceof SyntaxError) return false;
        throw error;
      }
    });
    // Most of them are JSON of the very same value.
    expect(inStrings.length).toBeGreaterThan(150);
    expect(takenOf(text, escaped)).toEqual([]);
  });

  it('is not taken with members in another order, doubled, missing or added', () => {
    const members = Object.entries(JSON.parse(text) as Json);
    const ofMembers = (entries: readonly (readonly [string, unknown])[]): string =>
      `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
    expect(ofMembers(members)).toBe(text);
    const swapped = members.slice(1).map((_, at) => {
      const order = [...members];
      [order[at], order[at + 1]] = [order[at + 1]!, order[at]!];
      return ofMembers(order);
    });
    const doubled = members.flatMap((member) => [ofMembers([member, ...members]), ofMembers([...members, member])]);
    const missing = members.map((member) => ofMembers(members.filter((other) => other !== member)));
    const added = ['admin', '__proto__', 'constructor', 'toString', ''].flatMap((name) => [
      ofMembers([...members, [name, true]]),
      ofMembers([[name, { op: 'put' }], ...members]),
    ]);
    const nulled = members.map(([name]) => ofMembers(members.map(([n, value]) => [n, n === name ? null : value])));
    // Retain and grp are the two that may be left out: without them the text is sound, and another transaction's.
    const optional = takenOf(text, missing).map((left) => Object.keys(JSON.parse(left) as Json).length);
    expect(optional).toEqual(
      members.flatMap(([name]) => (['retain', 'grp'].includes(name) ? [members.length - 1] : [])),
    );
    expect(takenOf(text, [...swapped, ...doubled, ...added, ...nulled])).toEqual([]);
  });

  it('is not taken with anything in front or behind', () => {
    const around = [' ', '\n', '\0', ',', '{}', '}', '0', '\u{feff}', '//', text];
    expect(
      takenOf(
        text,
        around.flatMap((what) => [what + text, text + what]),
      ),
    ).toEqual([]);
  });
});

describe('a number', () => {
  const stream = encodeClaims(exampleClaims({ op: 'stream', maxBytes: 5000 }));
  const universal = encodeClaims(exampleClaims({ op: 'universal', items: [], maxBytes: 5000, maxUses: 1000 }));
  const others = ['1e3', '1E3', '1000.0', '1000e0', '10e2', '0x3e8', '01000', '+1000', '-0', '0', '-1000', '1000n'];
  const wrong = [...others, '0.5', '1e999', '-1e999', '9007199254740993', 'null', 'true', '"1000"', '[1000]', '{}', ''];

  it.each([
    ['size', put, '"size":1000'],
    ['max', stream.replace('"max":5000', '"max":1000'), '"max":1000'],
    ['uses', universal, '"uses":1000'],
  ])('%s has its one decimal text', (member, text, right) => {
    expect(decodeClaims(text)).not.toBeNull();
    expect(text).toContain(right);
    expect(
      takenOf(
        text,
        wrong.map((number) => text.replace(right, `"${member}":${number}`)),
      ),
    ).toEqual([]);
  });

  it('has its bounds: sizes to 64 MiB, uses to 100,000, bytes in all to 2^53 - 1', () => {
    const taken = (text: string, from: string, to: string) => decodeClaims(text.replace(from, to)) !== null;
    expect(taken(put, '"size":1000', '"size":67108864')).toBe(true);
    expect(taken(put, '"size":1000', '"size":67108865')).toBe(false);
    expect(taken(universal, '"uses":1000', '"uses":100000')).toBe(true);
    expect(taken(universal, '"uses":1000', '"uses":100001')).toBe(false);
    expect(taken(stream, '"max":5000', '"max":9007199254740991')).toBe(true);
    expect(taken(stream, '"max":5000', '"max":9007199254740992')).toBe(false);
  });
});

describe('another member of another type', () => {
  it.each<[string, (json: Json) => unknown]>([
    ['items that hold a list', (json) => ({ ...json, items: [[json.items]] })],
    ['items that hold null', (json) => ({ ...json, items: [null] })],
    ['items that are text', (json) => ({ ...json, items: 'items' })],
    ['an item with a member more', (json) => ({ ...json, items: [{ ...(json.items as Json[])[0], x: 1 }] })],
    [
      'an item with its members turned',
      (json) => ({ ...json, items: [{ size: 1000, cid: (json.items as Json[])[0]!.cid }] }),
    ],
    ['a cid of the other alphabet', (json) => ({ ...json, items: [{ cid: '+'.repeat(43), size: 1000 }] })],
    ['a cid with stray bits', (json) => ({ ...json, items: [{ cid: 'B'.repeat(43), size: 1000 }] })],
    ['a grp that is no id', (json) => ({ ...json, grp: 'group' })],
    ['a grp of null', (json) => ({ ...json, grp: null })],
    ['a retain that is a number', (json) => ({ ...json, retain: 1_795_161_660_000 })],
    ['a sub that is nobody', (json) => ({ ...json, sub: 'everybody' })],
    ['an iss that is no trust domain', (json) => ({ ...json, iss: 'Backup.example' })],
    ['an iss of 254 characters', (json) => ({ ...json, iss: 'd'.repeat(254) })],
    ['an iss that is not ASCII', (json) => ({ ...json, iss: 'bäckup.example' })],
    ['an iss with half a character', (json) => ({ ...json, iss: 'backup\ud800example' })],
    ['an iss that is not UTF-8', (json) => ({ ...json, iss: 'backup\u{fffd}example' })],
    ['an op by inheritance', (json) => ({ ...json, op: '__proto__' })],
    ['times in year 10000', (json) => ({ ...json, exp: '+010000-01-01T00:00:00.000Z' })],
  ])('%s is refused', (_, change) => {
    expect(decodeClaims(JSON.stringify(change(JSON.parse(put) as Json)))).toBeNull();
    expect(decodeClaims(JSON.stringify({ ...(JSON.parse(put) as Json), grp: GROUP_ID }))).not.toBeNull();
  });
});
