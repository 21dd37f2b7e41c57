// `peerkeep schedule install|list|show|remove|run`: backups that run by themselves, by systemd's timers.
import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command } from 'commander';
import {
  type BackupSet,
  type ClientConfig,
  configPathOf,
  nextDue,
  parseCadence,
  parseClientConfig,
  parseTags,
  readClientConfig,
  readStandings,
  writeClientConfig,
} from '#backup';
import { homePathOf, PeerHome, readHomeKey } from '#peer-home';
import { formatTime, ProtocolError } from '#protocol';
import { formatCounted, formatLocalTime, formatPairs, formatTable, printable } from '../format.js';
import {
  backupUnits,
  calendarOf,
  type UnitPlace,
  unitNamesOf,
  warningUnitNames,
  warningUnits,
} from '../schedule/schedule-units.js';
import { UserUnits } from '../schedule/user-units.js';
import { type CommandContext, type CommonOptions, collect, homePathFor, newCommand } from './command-context.js';
import { findSet, type RunOptions, runConfigured } from './run-configured.js';
import { HOME_WAIT_DEFAULT } from './wait-for-home.js';

interface InstallOptions extends CommonOptions {
  readonly name: string;
  readonly every?: 'hourly' | 'daily' | 'weekly';
  readonly at?: string;
  readonly on?: string;
  readonly onCalendar?: string;
  readonly jitter?: string;
  readonly exclude: readonly string[];
  readonly iexclude: readonly string[];
  readonly excludeIfPresent: readonly string[];
  readonly excludeCaches?: boolean;
  readonly oneFileSystem?: boolean;
  readonly tag: readonly string[];
  readonly start: boolean;
}

export function scheduleCommand(context: CommandContext): Command {
  return new Command('schedule')
    .description('let backups run by themselves')
    .addCommand(
      newCommand('install', 'write systemd user units for a backup, and start its timer')
        .argument('[path...]', 'files and folders; none for a backup that the configuration names already')
        .option('--name <name>', 'what to call this backup', 'default')
        .option('--every <period>', 'hourly, daily or weekly (daily)')
        .option('--at <time>', 'time of day, HH:MM (02:00); of hourly, the minutes')
        .option('--on <weekday>', 'of weekly: monday, … (sunday)')
        .option('--on-calendar <event>', 'in place of the three: a calendar event of systemd')
        .option('--jitter <minutes>', 'begin up to so much later (15)')
        .option('--exclude <glob>', 'leave out what matches; may be given again', collect, [])
        .option('--iexclude <glob>', 'the same, upper and lower case alike', collect, [])
        .option('--exclude-if-present <name[:header]>', 'leave out folders that hold this file', collect, [])
        .option('--exclude-caches', 'leave out folders with a CACHEDIR.TAG')
        .option('--one-file-system', 'stay on the file systems of the paths')
        .option('--tag <tag>', 'tag of its snapshots; may be given again', collect, [])
        .option('--no-start', 'write the units, and do not tell systemd')
        .action((paths: string[], options: InstallOptions) => install(context, paths, options)),
    )
    .addCommand(
      newCommand('list', 'list the backups that run by themselves').action((options: CommonOptions) =>
        list(context, options),
      ),
    )
    .addCommand(
      newCommand('show', 'show a backup and its units')
        .argument('[name]', 'as `peerkeep schedule list` shows it', 'default')
        .action((name: string, options: CommonOptions) => show(context, name, options)),
    )
    .addCommand(
      newCommand('remove', 'stop a backup’s timer, and remove its units and its configuration')
        .argument('[name]', 'as `peerkeep schedule list` shows it', 'default')
        .action((name: string, options: CommonOptions) => remove(context, name, options)),
    )
    .addCommand(
      newCommand('run', 'run configured backups now, as a timer does')
        .argument('[name...]', 'as `peerkeep schedule list` shows them; all where none is given')
        .option(
          '--wait <duration>',
          'how long to wait for another command that uses this home: 0, 30m',
          HOME_WAIT_DEFAULT,
        )
        .action((names: string[], options: RunOptions) => runConfigured(context, names, options)),
    );
}

async function install(context: CommandContext, paths: readonly string[], options: InstallOptions): Promise<void> {
  const { terminal, environment } = context;
  const home = await openHome(context, options);
  const before = await readClientConfig(home.path);
  const known = before.backups.find(({ name }) => name === options.name);
  if (paths.length === 0 && known === undefined) {
    throw new ProtocolError('usage', {}, { detail: `give the paths that "${options.name}" backs up` });
  }
  const config = withSet(before, setOf(options, paths, known));
  const set = config.backups.find(({ name }) => name === options.name)!;
  const place = await placeOf(home.path, environment);
  const units = new UserUnits(environment);
  const written = [...backupUnits(set, place), ...warningUnits(place)];
  await writeClientConfig(home.path, config);
  await units.write(written);
  const timers = [unitNamesOf(set.name, place).timer, warningUnitNames(place).timer];
  const isStarted = options.start && (await startTimers(context, units, timers));
  if (isStarted) sayLinger(context);
  terminal.result(
    {
      name: set.name,
      config: configPathOf(home.path),
      units: written.map(({ name }) => units.pathOf(name)),
      started: isStarted,
    },
    () => [`backup "${set.name}" runs ${calendarOf(set)}`, ...written.map(({ name }) => units.pathOf(name))].join('\n'),
  );
}

/** What was given on the command line, on top of what the set has already. */
function setOf(
  options: InstallOptions,
  paths: readonly string[],
  known: BackupSet | undefined,
): Record<string, unknown> {
  const { name, every, at, on, onCalendar, jitter } = options;
  if (jitter !== undefined && !/^\d{1,4}$/.test(jitter)) {
    throw new ProtocolError('usage', {}, { detail: '--jitter is a number of minutes' });
  }
  const isTimed = [every, at, on, onCalendar].some((given) => given !== undefined);
  const schedule = {
    ...(isTimed
      ? { jitterMinutes: known?.schedule?.jitterMinutes ?? 15, every, at, on, onCalendar }
      : (known?.schedule ?? { every: 'daily' })),
    ...(jitter === undefined ? {} : { jitterMinutes: Number(jitter) }),
  };
  const given = {
    ...(paths.length > 0 && { paths: paths.map((path) => resolve(path)) }),
    ...(options.exclude.length > 0 && { excludes: options.exclude }),
    ...(options.iexclude.length > 0 && { iexcludes: options.iexclude }),
    ...(options.excludeIfPresent.length > 0 && { excludeIfPresent: options.excludeIfPresent }),
    ...(options.excludeCaches === true && { excludeCaches: true }),
    ...(options.oneFileSystem === true && { oneFileSystem: true }),
    ...(options.tag.length > 0 && { tags: options.tag.flatMap(parseTags) }),
  };
  return { ...known, ...given, name, schedule };
}

/** throws usage: what a person typed is at fault, not the file */
function withSet(config: ClientConfig, set: Record<string, unknown>): ClientConfig {
  const others = config.backups.filter(({ name }) => name !== set.name);
  const document = JSON.parse(JSON.stringify({ ...config, backups: [...others, set] })) as unknown;
  try {
    return parseClientConfig(document);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new ProtocolError('usage', {}, { cause: error, detail: error.message });
  }
}

async function startTimers(
  { terminal }: CommandContext,
  units: UserUnits,
  timers: readonly string[],
): Promise<boolean> {
  const reloaded = await units.systemctl('daemon-reload');
  const started = reloaded.ok ? await units.systemctl('enable', '--now', ...timers) : reloaded;
  if (started.ok) return true;
  terminal.warn(`systemd was not told (${started.detail}). where it runs for you, do it yourself:`);
  terminal.warn(`systemctl --user daemon-reload && systemctl --user enable --now ${timers.join(' ')}`);
  terminal.warn('where it does not, let the agent run the backups: peerkeep-agent run --backups');
  return false;
}

/** Units of a person end with their last session, unless they linger. */
function sayLinger({ terminal, environment }: CommandContext): void {
  const user = environment.USER || environment.LOGNAME || '';
  terminal.say(`so that backups also run while you are not signed in: loginctl enable-linger ${user}`.trimEnd());
}

async function list(context: CommandContext, options: CommonOptions): Promise<void> {
  const home = await openHome(context, options);
  const config = await readClientConfig(home.path);
  const place = await placeOf(home.path, context.environment);
  const installed = new Set(await new UserUnits(context.environment).list());
  const standings = await readStandings({ home, config, clock: context.clock });
  const rows = config.backups.map((set) => {
    const lastSuccess = standings.find((standing) => standing.set === set.name)?.lastSuccess ?? null;
    return {
      name: set.name,
      on_calendar: calendarOf(set),
      next: nextOf(set, context.clock.nowMs()),
      installed: installed.has(unitNamesOf(set.name, place).timer),
      last_success: lastSuccess === null ? null : formatTime(lastSuccess.endedAtMs),
      paths: set.paths,
    };
  });
  context.terminal.result(rows, () => {
    if (rows.length === 0) return 'no backup runs by itself';
    const titles = ['Name', 'When', 'Next', 'By', 'Last success', 'Paths'].map((title) => ({ title }));
    const cells = rows.map((row) => [
      row.name,
      printable(row.on_calendar),
      row.next === null ? '?' : formatLocalTime(Date.parse(row.next)),
      row.installed ? 'systemd' : config.agentRunsBackups ? 'agent' : 'nobody',
      row.last_success === null ? 'never' : formatLocalTime(Date.parse(row.last_success)),
      row.paths.map(printable).join(', '),
    ]);
    return `${formatTable(titles, cells)}\n${formatCounted(rows.length, 'backup')}`;
  });
}

/** Null for a calendar event of systemd, which only systemd can read. */
export function nextOf({ schedule }: BackupSet, nowMs: number): string | null {
  if (schedule === undefined || schedule.onCalendar !== undefined) return null;
  return formatTime(nextDue(parseCadence(schedule), nowMs));
}

async function show(context: CommandContext, name: string, options: CommonOptions): Promise<void> {
  const home = await openHome(context, options);
  const set = findSet((await readClientConfig(home.path)).backups, name);
  const units = new UserUnits(context.environment);
  const place = await placeOf(home.path, context.environment);
  const { service, timer } = unitNamesOf(name, place);
  const texts = await Promise.all(
    [service, timer].map(async (unit) => [units.pathOf(unit), await units.read(unit)] as const),
  );
  context.terminal.result({ backup: set, units: Object.fromEntries(texts) }, () =>
    [
      formatPairs([['configuration', configPathOf(home.path)]]),
      JSON.stringify(set, null, 2),
      ...texts.map(([path, text]) => `\n# ${path}\n${text ?? '# not installed\n'}`.trimEnd()),
    ].join('\n'),
  );
}

async function remove(context: CommandContext, name: string, options: CommonOptions): Promise<void> {
  const { environment, terminal } = context;
  const home = await openHome(context, options);
  const config = await readClientConfig(home.path);
  findSet(config.backups, name);
  const place = await placeOf(home.path, environment);
  const backups = config.backups.filter((set) => set.name !== name);
  const units = new UserUnits(environment);
  const { service, timer } = unitNamesOf(name, place);
  const warning = warningUnitNames(place);
  // Whoever has no backup that runs by itself is warned of none.
  const [timers, files] =
    backups.length > 0
      ? [[timer], [timer, service]]
      : [
          [timer, warning.timer],
          [timer, service, warning.timer, warning.service],
        ];
  if ((await units.read(timer)) !== null) await units.systemctl('disable', '--now', ...timers);
  await units.remove(files);
  await units.systemctl('daemon-reload');
  await writeClientConfig(home.path, { ...config, backups });
  terminal.result(
    { name, removed: files.map((file) => units.pathOf(file)) },
    () => `backup "${name}" runs no more; its snapshots stay`,
  );
}

async function openHome(context: CommandContext, options: CommonOptions): Promise<PeerHome> {
  return PeerHome.open(homePathFor(context, options), await readHomeKey(context.environment));
}

async function placeOf(homePath: string, environment: CommandContext['environment']): Promise<UnitPlace> {
  const { PEERKEEP_HOME: _named, ...others } = environment;
  const script = await realpath(process.argv[1]!);
  return { homePath, isDefaultHome: homePathOf(undefined, others) === homePath, program: [process.execPath, script] };
}
