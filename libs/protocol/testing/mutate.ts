// Changes texts at random, as a forger or a bad line would. The same seed gives the same changes.

export type Random = (below: number) => number;

/** mulberry32: enough chance for tests, from a seed that a failing test can print. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const LAX = ['=', '==', ' ', '\n', '\0', '!', '+', '/', '.', 'é', '\u{1f511}'];

type Mutation = (text: string, other: string, random: Random) => string;

const MUTATIONS: readonly Mutation[] = [
  function flipBitOfCharacter(text, _, random) {
    const at = random(text.length);
    return replaceAt(text, at, String.fromCharCode(text.charCodeAt(at) ^ (1 << random(7))));
  },
  function changeCharacter(text, _, random) {
    return replaceAt(text, random(text.length), ALPHABET[random(ALPHABET.length)]!);
  },
  function flipBitOfBytes(text, _, random) {
    return reencode(text, random, (bytes) => {
      bytes[random(bytes.length)]! ^= 1 << random(8);
      return bytes;
    });
  },
  function changeSeveralBytes(text, _, random) {
    return reencode(text, random, (bytes) => {
      for (let i = 0; i <= random(8); i++) bytes[random(bytes.length)] = random(256);
      return bytes;
    });
  },
  function dropBytes(text, _, random) {
    return reencode(text, random, (bytes) => bytes.subarray(0, random(bytes.length)));
  },
  function addBytes(text, _, random) {
    return reencode(text, random, (bytes) => Buffer.concat([bytes, Buffer.alloc(1 + random(20), random(256))]));
  },
  function truncate(text, _, random) {
    return text.slice(0, random(text.length));
  },
  function extend(text, _, random) {
    return text + ALPHABET[random(ALPHABET.length)]!.repeat(1 + random(5));
  },
  function splice(text, other, random) {
    const at = random(Math.min(text.length, other.length));
    return text.slice(0, at) + other.slice(at);
  },
  function swapParts(text, other, random) {
    const parts = text.split('.');
    const at = random(parts.length);
    return parts.map((part, index) => (index === at ? (other.split('.')[index] ?? '') : part)).join('.');
  },
  function removeCharacter(text, _, random) {
    return replaceAt(text, random(text.length), '');
  },
  function insertLax(text, _, random) {
    const at = random(text.length + 1);
    return text.slice(0, at) + LAX[random(LAX.length)]! + text.slice(at);
  },
  function appendLaxToPart(text, _, random) {
    const parts = text.split('.');
    const at = random(parts.length);
    return parts.map((part, index) => (index === at ? part + LAX[random(LAX.length)]! : part)).join('.');
  },
  function otherAlphabet(text) {
    return text.replaceAll('-', '+').replaceAll('_', '/');
  },
];

/** One random change of `text`; `other` is a second text of the same kind, to splice with. May come out unchanged. */
export function mutate(text: string, other: string, random: Random): string {
  return MUTATIONS[random(MUTATIONS.length)]!(text, other, random);
}

function replaceAt(text: string, at: number, replacement: string): string {
  return text.slice(0, at) + replacement + text.slice(at + 1);
}

/** Change the bytes of one base64url part and write it canonically again. */
function reencode(text: string, random: Random, change: (bytes: Buffer) => Buffer): string {
  const parts = text.split('.');
  const long = parts.flatMap((part, index) => (part.length > 8 ? [index] : []));
  const at = long[random(long.length)];
  if (at === undefined) return text;
  parts[at] = change(Buffer.from(parts[at]!, 'base64url')).toString('base64url');
  return parts.join('.');
}
