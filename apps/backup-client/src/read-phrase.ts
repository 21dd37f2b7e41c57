// Reads the recovery phrase: from a pipe as it is, from a person at a terminal without showing it.
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { ReadStream } from 'node:tty';
import { ProtocolError } from '#protocol';

/** 24 words of at most 8 letters, with generous room for spaces and numbers. */
const PHRASE_BYTES_MAX = 4096;

/** throws phrase_invalid (too long) | interrupted */
export async function readPhrase(
  input: NodeJS.ReadableStream & Partial<Pick<ReadStream, 'isTTY'>>,
  prompt: NodeJS.WritableStream,
  signal: AbortSignal,
): Promise<string> {
  return input.isTTY ? askHidden(input, prompt, signal) : readAll(input);
}

async function readAll(input: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of input) {
    text += chunk.toString();
    if (text.length > PHRASE_BYTES_MAX) throw new ProtocolError('phrase_invalid');
  }
  return text;
}

async function askHidden(
  input: NodeJS.ReadableStream,
  prompt: NodeJS.WritableStream,
  signal: AbortSignal,
): Promise<string> {
  // readline echoes what is typed to its output: this one drops it.
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output: silent, terminal: true });
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  lines.once('SIGINT', interrupt);
  signal.addEventListener('abort', interrupt, { once: true });
  prompt.write('recovery phrase (24 words, not shown): ');
  try {
    return await lines.question('', { signal: stop.signal });
  } catch (error) {
    throw stop.signal.aborted ? new ProtocolError('interrupted', {}, { cause: error }) : error;
  } finally {
    signal.removeEventListener('abort', interrupt);
    prompt.write('\n');
    lines.close();
  }
}
