// What every command gets, and how one is run: options read, engine opened, events told, engine closed.
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Command } from 'commander';
import { BackupEngine, type EngineEvent, type LimitWish, type Running } from '#backup';
import { BrokerClient } from '#broker-api';
import { type ExclusiveUse, takeExclusiveUse } from '#database';
import { homePathOf, PeerHome, readHomeKey } from '#peer-home';
import type { Clock, Log } from '#process';
import { isRefusal, ProtocolError } from '#protocol';
import type { ExitCode } from '../exit-codes.js';
import { EventTeller } from '../tell-event.js';
import type { Terminal } from '../terminal.js';
import { asksNeighbours, type LanOptions } from './lan-options.js';
import { type LimitOptions, limitWishOf } from './limit-options.js';
import { waitForHome } from './wait-for-home.js';

export interface CommandContext {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly log: Log;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  readonly readPhrase: () => Promise<string>;
  /** What a person pipes in: data to back up, or a list of paths. */
  readonly stdin: Readable;
  /** How the process will end when nothing fails. */
  readonly setExitCode: (code: ExitCode) => void;
}

export interface CommonOptions extends LimitOptions, LanOptions {
  readonly home?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  /** How often -v was given. */
  readonly verbose?: number;
}

/** A command with the options that all of them have. */
export function newCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--home <dir>', 'home folder of this peer (PEERKEEP_HOME)')
    .option('--json', 'print JSON lines, for programs')
    .option('-q, --quiet', 'no progress and no talk: the result, warnings and errors')
    .option('-v, --verbose', 'name what is new or changed; -vv everything', (_value, times: number) => times + 1, 0);
}

/** The home that the options or the environment name; from here on the terminal knows how to print. */
export function homePathFor(context: CommandContext, options: CommonOptions): string {
  const { environment, terminal } = context;
  terminal.useOutput({
    json: options.json === true,
    quiet: options.quiet === true,
    verbosity: options.verbose ?? 0,
    lineIntervalMs: readProgressInterval(environment),
    isDumb: environment.TERM === 'dumb',
  });
  return homePathOf(options.home, context.environment);
}

/**
 * Open the home's engine, use it, and close it whatever happens.
 *
 * homeWaitMs   how long to wait for another command that uses the home. throws home_in_use after that
 */
export async function withEngine<T>(
  context: CommandContext,
  options: CommonOptions,
  use: (engine: BackupEngine, running: Running) => Promise<T>,
  alsoTell: (event: EngineEvent) => void = () => undefined,
  homeWaitMs = 0,
): Promise<T> {
  const homePath = homePathFor(context, options);
  const limits = limitWishOf(options);
  const home = await PeerHome.open(homePath, await readHomeKey(context.environment));
  const { clock, signal, terminal } = context;
  const onWait = (): void => terminal.warn('another command uses this home: waiting for its end');
  const lock = await waitForHome(() => lockHome(home), { waitMs: homeWaitMs, clock, signal, onWait });
  try {
    return await useEngine(
      context,
      { home, limits, lan: asksNeighbours(options, home.identity.broker) },
      use,
      alsoTell,
    );
  } finally {
    await lock.release();
  }
}

async function useEngine<T>(
  context: CommandContext,
  { home, limits, lan }: { readonly home: PeerHome; readonly limits: LimitWish; readonly lan: boolean },
  use: (engine: BackupEngine, running: Running) => Promise<T>,
  alsoTell: (event: EngineEvent) => void,
): Promise<T> {
  const { clock, log, signal, terminal } = context;
  await renewWhatIsDue(home, { clock, log, signal });
  const onWarning = ({ message, hint }: ProtocolError): void =>
    terminal.warn(`${message}: going on without the limits of the configuration; ${hint}`);
  const engine = await BackupEngine.open({ home, clock, log, limits, lan: lan ? {} : null, onWarning });
  return runEngine(context, engine, use, alsoTell);
}

/** Use an engine that is open, tell its events, and close it whatever happens. */
export async function runEngine<T>(
  { signal, terminal }: CommandContext,
  engine: BackupEngine,
  use: (engine: BackupEngine, running: Running) => Promise<T>,
  alsoTell: (event: EngineEvent) => void,
): Promise<T> {
  const teller = new EventTeller(terminal);
  const onEvent = (event: EngineEvent): void => {
    teller.tell(event);
    alsoTell(event);
  };
  try {
    return await use(engine, { signal, onEvent });
  } catch (error) {
    teller.conclude();
    if (isRefusal(error, 'interrupted')) teller.tellStopped();
    throw error;
  } finally {
    teller.conclude();
    await engine.close();
  }
}

/** throws usage */
function readProgressInterval({ PEERKEEP_PROGRESS_SECONDS: text }: CommandContext['environment']): number {
  const seconds = Number(text || 10);
  if (seconds >= 0.1 && seconds <= 86_400) return seconds * 1000;
  throw new ProtocolError(
    'usage',
    {},
    { detail: 'PEERKEEP_PROGRESS_SECONDS is no number of seconds from 0.1 to 86400' },
  );
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
