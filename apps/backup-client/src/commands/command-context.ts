// What every command gets, and how one is run: options read, engine opened, events told, engine closed.
import { join } from 'node:path';
import { Command } from 'commander';
import { BackupEngine, type EngineEvent, type Running } from '#backup';
import { BrokerClient } from '#broker-api';
import { type ExclusiveUse, takeExclusiveUse } from '#database';
import { homePathOf, PeerHome, readHomeKey } from '#peer-home';
import type { Clock, Log } from '#process';
import { isRefusal, ProtocolError } from '#protocol';
import type { ExitCode } from '../exit-codes.js';
import { EventTeller } from '../tell-event.js';
import type { Terminal } from '../terminal.js';

export interface CommandContext {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly log: Log;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  readonly readPhrase: () => Promise<string>;
  /** How the process will end when nothing fails. */
  readonly setExitCode: (code: ExitCode) => void;
}

export interface CommonOptions {
  readonly home?: string;
  readonly json?: boolean;
}

/** A command with the options that all of them have. */
export function newCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--home <dir>', 'home folder of this peer (PEERKEEP_HOME)')
    .option('--json', 'print the result as JSON');
}

/** The home that the options or the environment name; from here on the terminal knows about --json. */
export function homePathFor(context: CommandContext, options: CommonOptions): string {
  context.terminal.useJson(options.json === true);
  return homePathOf(options.home, context.environment);
}

/** Open the home's engine, use it, and close it whatever happens. */
export async function withEngine<T>(
  context: CommandContext,
  options: CommonOptions,
  use: (engine: BackupEngine, running: Running) => Promise<T>,
  alsoTell: (event: EngineEvent) => void = () => undefined,
): Promise<T> {
  const homePath = homePathFor(context, options);
  const home = await PeerHome.open(homePath, await readHomeKey(context.environment));
  const lock = await lockHome(home);
  try {
    return await useEngine(context, home, use, alsoTell);
  } finally {
    await lock.release();
  }
}

async function useEngine<T>(
  { clock, log, signal, terminal }: CommandContext,
  home: PeerHome,
  use: (engine: BackupEngine, running: Running) => Promise<T>,
  alsoTell: (event: EngineEvent) => void,
): Promise<T> {
  await renewWhatIsDue(home, { clock, log, signal });
  const engine = await BackupEngine.open({ home, clock, log });
  const teller = new EventTeller(terminal);
  const onEvent = (event: EngineEvent): void => {
    teller.tell(event);
    alsoTell(event);
  };
  try {
    return await use(engine, { signal, onEvent });
  } finally {
    teller.conclude();
    await engine.close();
  }
}

/** A machine without an agent renews its keys when a command runs (B5); a broker that is away does not stop the command. */
async function renewWhatIsDue(
  home: PeerHome,
  { clock, log, signal }: Pick<CommandContext, 'clock' | 'log' | 'signal'>,
): Promise<void> {
  const broker = new BrokerClient({ home, clock, log });
  try {
    await broker.renewWhatIsDue({ signal });
  } catch (error) {
    if (!isRefusal(error)) throw error;
    log.debug({ event: 'renewal_failed', err: error });
  } finally {
    await broker.close();
  }
}

/** One engine at a time writes the home's chunk index and outbox; an agent beside it has a lock of its own. */
async function lockHome(home: PeerHome): Promise<ExclusiveUse> {
  try {
    return await takeExclusiveUse(join(home.path, 'client.lock'));
  } catch (error) {
    if (!isRefusal(error, 'data_dir_in_use')) throw error;
    throw new ProtocolError('home_in_use', { path: home.path }, { cause: error });
  }
}

/** For options that may be given again and again. */
export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
