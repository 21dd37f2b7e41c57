// The `simulate` command: reads the options, runs the network, prints one JSON document, draws its plots. stdout is data.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { isRefusal, OBJECT_BYTES_MAX, SHARDS_PER_OBJECT_MAX } from '#protocol';
import { drawPlots } from './draw/plots.js';
import { type Code, DEFAULT_OPTIONS, type SimulationOptions } from './options.js';
import { Recording } from './recording.js';
import { reportOf } from './report.js';
import { runSimulation } from './run-simulation.js';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const PEERS_MAX = 1_000_000;
const DAYS_PER_YEAR = 365;
const MiB = 1024 ** 2;
const GIGABYTE = 1e9;
const MEGABYTE = 1e6;

/** Where it writes: the document, and what it says of its progress. */
export interface Streams {
  readonly out: (text: string) => void;
  readonly talk: (text: string) => void;
}

/** Run the command; resolves with its exit code. */
export async function runCommandLine(argv: readonly string[], { out, talk }: Streams): Promise<number> {
  const command = simulateCommand(out);
  try {
    command.parse([...argv], { from: 'user' });
    const { out: folder, ...flags } = command.opts<Flags>();
    const options = optionsFrom(flags);
    const recording = new Recording(options);
    const world = runSimulation(options, (day) => {
      recording.endDay(day);
      const days = Math.round(day.nowHours / 24);
      if (days % DAYS_PER_YEAR === 0) talk(`simulate: ${days} days\n`);
    });
    const report = reportOf(world, recording);
    // The folder first: a command that fails prints no figures.
    if (folder !== undefined) await write(folder, report, drawPlots(world, recording));
    out(`${JSON.stringify(report, null, 2)}\n`);
    return 0;
  } catch (error) {
    return tell(error, talk);
  }
}

interface Flags
  extends Omit<SimulationOptions, 'missedAfterHours' | 'objectBytes' | 'storedBytesPerPeer' | 'offeredBytesPerPeer'> {
  readonly missedAfter: number | null;
  readonly objectSize: number;
  readonly storedPerPeer: number;
  readonly offeredPerPeer: number;
  readonly out?: string;
}

function optionsFrom({
  missedAfter,
  objectSize,
  storedPerPeer,
  offeredPerPeer,
  ...rest
}: Omit<Flags, 'out'>): SimulationOptions {
  const options: SimulationOptions = {
    ...DEFAULT_OPTIONS,
    ...rest,
    missedAfterHours: missedAfter,
    objectBytes: objectSize * MiB,
    storedBytesPerPeer: storedPerPeer * GIGABYTE,
    offeredBytesPerPeer: offeredPerPeer * GIGABYTE,
    repairBandwidth: rest.repairBandwidth * MEGABYTE,
  };
  const { code, peers, repairAt } = options;
  if (code !== null && code.totalShards >= peers) throw wrong('--code', `${code.totalShards} shards need more peers`);
  if (code !== null && repairAt !== null && (repairAt < code.dataShards || repairAt >= code.totalShards))
    throw wrong('--repair-at', `from ${code.dataShards} to ${code.totalShards - 1} with this code`);
  return options;
}

function wrong(option: string, why: string): CommanderError {
  return new CommanderError(EXIT_USAGE, 'simulate.option', `option ${option}: ${why}`);
}

function simulateCommand(out: (text: string) => void): Command {
  const d = DEFAULT_OPTIONS;
  return new Command('simulate')
    .description("A network of peers for simulated years, under the broker's own policy code. One seed, one result.")
    .exitOverride()
    .configureOutput({ writeOut: out, outputError: () => undefined })
    .allowExcessArguments(false)
    .option('--peers <n>', 'peers at any time; who is lost is replaced', whole(2, PEERS_MAX), d.peers)
    .option('--years <y>', 'how long', number(0.01, 100), d.years)
    .option('--churn <share>', 'share of the peers that is lost for good in a year', number(0, 0.999), d.churn)
    .option('--uptime <share>', 'mean share of the time that a peer is online', number(0.1, 1), d.uptime)
    .option('--outage-hours <h>', 'how long a peer is away at a time, on average', number(0.01, 10_000), d.outageHours)
    .option('--code <k/n>', "code of the objects; without it the broker's choice for so many peers", readCode, d.code)
    .option('--class <name>', 'durability class of the objects', String, d.class)
    .option('--objects-per-peer <n>', 'objects of each peer that are followed', whole(1, 10_000), d.objectsPerPeer)
    .option('--object-size <MiB>', 'size of an object', number(0.001, OBJECT_BYTES_MAX / MiB), d.objectBytes / MiB)
    .option(
      '--stored-per-peer <GB>',
      'what a peer backs up; each followed object stands for as many as that takes',
      number(0, 1e6),
      d.storedBytesPerPeer / GIGABYTE,
    )
    .option('--offered-per-peer <GB>', 'what a peer offers', number(0.001, 1e7), d.offeredBytesPerPeer / GIGABYTE)
    .option('--seed <n>', 'chooses the randomness', whole(0, 2 ** 32 - 1), d.seed)
    .option(
      '--repair-bandwidth <MB/s>',
      'what a peer gives to repair',
      number(0.0001, 1e6),
      d.repairBandwidth / MEGABYTE,
    )
    .option(
      '--repair-hours <h>',
      'exponential repair times of this mean, in place of waiting and bandwidth',
      number(0.001, 1e6),
      d.repairHours,
    )
    .option(
      '--repair-at <shards>',
      "repair when so many shards or fewer are left; without it the policy's decision",
      whole(1, SHARDS_PER_OBJECT_MAX),
      d.repairAt,
    )
    .option(
      '--missed-after <h>',
      "a peer that is away for so long is done without; without it the policy's",
      number(0, 1e5),
      d.missedAfterHours,
    )
    .option(
      '--audit-rate <n>',
      "audits of a host in a day; without it the policy's; 0: none",
      number(0, 10_000),
      d.auditRate,
    )
    .option('--corruption <share>', 'share of the shards that rot in a year', number(0, 0.999), d.corruption)
    .option(
      '--scrub-days <days>',
      'a host reads all it holds once in so long; 0: never',
      number(0, 10_000),
      d.scrubDays,
    )
    .option('--suspicious <share>', 'share of the peers that take shards and drop some', number(0, 1), d.suspicious)
    .option('--dropped <share>', 'how many of them they drop', number(0, 1), d.dropped)
    .option('--out <folder>', 'write report.json and the plots there');
}

function number(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+(?:\.\d+)?(?:e-?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) throw new InvalidArgumentError(`a number from ${min} to ${max} is wanted.`);
    return value;
  };
}

function whole(min: number, max: number): (text: string) => number {
  const read = number(min, max);
  return (text) => {
    const value = read(text);
    if (!Number.isInteger(value)) throw new InvalidArgumentError('a whole number is wanted.');
    return value;
  };
}

function readCode(text: string): Code {
  const match = /^(\d{1,3})\/(\d{1,3})$/.exec(text);
  const [dataShards, totalShards] = [Number(match?.[1]), Number(match?.[2])];
  if (!(dataShards >= 1 && dataShards <= totalShards && totalShards <= SHARDS_PER_OBJECT_MAX))
    throw new InvalidArgumentError(`k/n is wanted, with n up to ${SHARDS_PER_OBJECT_MAX}.`);
  return { dataShards, totalShards };
}

async function write(folder: string, report: object, plots: ReadonlyMap<string, string>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, svg] of plots) await writeFile(join(folder, name), svg);
  await writeFile(join(folder, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
}

/** One line on what is wrong; the exit code. */
function tell(error: unknown, talk: (text: string) => void): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const isUsage = error instanceof CommanderError || (isRefusal(error) && error.code === 'usage');
  const { message } = error as Error;
  talk(`simulate: ${message.replace(/^error: /, '').split('\n')[0]}\n`);
  if (isUsage) talk('See npm run simulate -- --help.\n');
  return isUsage ? EXIT_USAGE : EXIT_FAILED;
}
