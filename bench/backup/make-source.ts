// The data that the bench backs up: the same bytes in every run, random in one file or text-like in many.
import { createCipheriv } from 'node:crypto';
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const PIECE_BYTES = 4 * 1024 * 1024;
const WORDS = 4_096;
const SYLLABLES = [
  'ba',
  'con',
  'der',
  'el',
  'fi',
  'gra',
  'ho',
  'int',
  'ker',
  'lo',
  'mun',
  'ne',
  'pro',
  'sta',
  'ti',
  'ver',
];

export const RANDOM_FILE_NAME = 'random.bin';

/** One file of random bytes: the key stream of AES-128-CTR under a zero key. Returns its bytes. */
export function makeRandomFile(folder: string, sizeBytes: number): number {
  mkdirSync(folder, { recursive: true });
  const stream = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16));
  const zeros = Buffer.alloc(PIECE_BYTES);
  const descriptor = openSync(join(folder, RANDOM_FILE_NAME), 'wx');
  for (let done = 0; done < sizeBytes; done += PIECE_BYTES) {
    writeSync(descriptor, stream.update(zeros.subarray(0, Math.min(PIECE_BYTES, sizeBytes - done))));
  }
  closeSync(descriptor);
  return sizeBytes;
}

/** Random bytes of a seed above 0, which is the high half of the counter: none of the file's. */
export function randomBytesOf(seed: number, sizeBytes: number): Buffer {
  const counter = Buffer.alloc(16);
  counter.writeDoubleBE(seed);
  return createCipheriv('aes-128-ctr', Buffer.alloc(16), counter).update(Buffer.alloc(sizeBytes));
}

export interface SmallFiles {
  readonly files: number;
  readonly folders: number;
  readonly bytesMin: number;
  readonly bytesMax: number;
}

/** Files of words, a few of them frequent, with sizes spread evenly; returns the bytes of all. */
export function makeTextFiles(folder: string, { files, folders, bytesMin, bytesMax }: SmallFiles): number {
  const random = randomFractions(0x5eed);
  const words = Array.from({ length: WORDS }, () => wordFrom(random));
  for (let i = 0; i < folders; i++) mkdirSync(join(folder, `folder-${i}`), { recursive: true });
  let totalBytes = 0;
  for (let i = 0; i < files; i++) {
    const sizeBytes = bytesMin + Math.floor(random() * (bytesMax - bytesMin + 1));
    const text: string[] = [];
    for (let length = 0; length < sizeBytes; ) {
      const word = words[Math.floor(random() ** 3 * WORDS)]!;
      text.push(word);
      length += word.length + 1;
    }
    writeFileSync(
      join(folder, `folder-${i % folders}`, `file-${i}.txt`),
      text.join(' ').padEnd(sizeBytes).slice(0, sizeBytes),
      { flag: 'wx' },
    );
    totalBytes += sizeBytes;
  }
  return totalBytes;
}

function wordFrom(random: () => number): string {
  const count = 1 + Math.floor(random() * 4);
  return Array.from({ length: count }, () => SYLLABLES[Math.floor(random() * SYLLABLES.length)]).join('');
}

/** Xorshift of 32 bits: fractions in (0, 1), the same for the same seed. Marsaglia, Xorshift RNGs, 2003. */
function randomFractions(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
