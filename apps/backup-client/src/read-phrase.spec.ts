// A phrase from a pipe: whole, but never without end.
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readPhrase } from './read-phrase.js';

const read = (input: Iterable<string>): Promise<string> =>
  readPhrase(Readable.from(input), process.stderr, new AbortController().signal);

describe('readPhrase', () => {
  it('takes all lines of a pipe', async () => {
    expect(await read(['abandon\n', 'ability\n'])).toBe('abandon\nability\n');
  });

  it('stops reading a flood', async () => {
    function* flood(): Generator<string> {
      for (let i = 0; i < 1_000; i++) yield 'abandon '.repeat(100);
      throw new Error('read to its end');
    }
    await expect(read(flood())).rejects.toMatchObject({ code: 'phrase_invalid' });
  });
});
