// The options by which `check` and `repair` read what is stored: all of it, or a part, with restic's meaning.
import type { Command } from 'commander';
import { type DataSubset, parseDataSubset } from '#backup';
import { ProtocolError } from '#protocol';

export interface ReadDataOptions {
  readonly readData?: boolean;
  readonly readDataSubset?: string;
}

export function withReadData(command: Command): Command {
  return command
    .option('--read-data', 'fetch and open everything that is stored')
    .option('--read-data-subset <part>', 'fetch a part of it: n/t, the n-th of t parts; n%, or a size (1G), at random');
}

/** throws usage */
export function dataSubsetOf(options: ReadDataOptions): { readData: boolean; subset?: DataSubset } {
  const { readData = false, readDataSubset: text } = options;
  if (text === undefined) return { readData };
  if (readData) throw usage('--read-data and --read-data-subset cannot go together');
  const subset = parseDataSubset(text);
  if (subset === null) throw usage('--read-data-subset: n/t with t up to 256, n% above 0 and up to 100, or a size');
  return { readData: true, subset };
}

function usage(detail: string): ProtocolError {
  return new ProtocolError('usage', {}, { detail });
}
