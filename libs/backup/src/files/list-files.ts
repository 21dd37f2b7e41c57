// What stands in the files that a person gives to a backup: lists of patterns, and lists of paths, in restic's forms. Pure.
import { ProtocolError } from '#protocol';

/**
 * The text of such a file: UTF-8, or UTF-16 when it says so by a byte order mark, as editors on Windows write it.
 */
export function textOfListFile(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.subarray(2).toString('utf16le');
  if (bytes[0] === 0xfe && bytes[1] === 0xff) {
    const wholeBytes = bytes.length - (bytes.length % 2);
    return Buffer.from(bytes.subarray(2, wholeBytes)).swap16().toString('utf16le');
  }
  return bytes.toString().replace(/^\uFEFF/, '');
}

/**
 * The lines of an exclude file, or of `--files-from`: trimmed, without empty ones and comments (`#` at the start).
 */
export function linesOfListFile(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/**
 * `--files-from-verbatim`: each line is a path, spaces and `#` and all; only empty lines are passed over.
 */
export function linesOfVerbatimFile(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line !== '');
}

/**
 * `--files-from-raw`: the raw bytes of paths, each ended by a NUL, as `find -print0` writes them.
 *
 * throws   usage for an empty path, or without a NUL at the end: the list was cut
 */
export function pathsOfRawFile(bytes: Buffer): Buffer[] {
  const paths: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(0); end !== -1; end = bytes.indexOf(0, start)) {
    if (end === start) throw new ProtocolError('usage', {}, { detail: 'the list of files has an empty path' });
    paths.push(bytes.subarray(start, end));
    start = end + 1;
  }
  if (start < bytes.length)
    throw new ProtocolError('usage', {}, { detail: 'the list of files does not end with a NUL' });
  return paths;
}

/**
 * Put the values of environment variables in place of `$NAME` and `${NAME}`; a name that is not set is nothing. `$$` is
 * a dollar sign, and so is one with no name behind it.
 */
export function expandVariables(text: string, environment: Readonly<Record<string, string | undefined>>): string {
  return text.replace(/\$(?:\$|\{([^}]*)\}|(\w+))/g, (found: string, braced?: string, plain?: string) => {
    if (found === '$$') return '$';
    return environment[braced ?? plain ?? ''] ?? '';
  });
}
