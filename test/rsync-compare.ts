// Compares two folders by rsync, a program that knows nothing of ours: bytes, modes, owners, times, links and attributes.
import { execFileSync } from 'node:child_process';

const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

/** The folder that was named is where a restore goes, and keeps what it is there; the snapshot holds what lies below. */
const FOLDER_ITSELF = /^\S{11} \.\/$/;

/** What rsync would do to make what lies below either folder like the other; empty when it is the same. */
export function rsyncDifferences(left: string, right: string): string[] {
  return [...differences(left, right), ...differences(right, left)];
}

function differences(from: string, to: string): string[] {
  const how = ['-aHAXn', '--checksum', '--itemize-changes', '--delete'];
  const output = execFileSync('rsync', [...how, `${from}/`, `${to}/`], { maxBuffer: OUTPUT_BYTES_MAX });
  return output
    .toString('latin1')
    .split('\n')
    .filter((line) => line !== '' && !FOLDER_ITSELF.test(line));
}
