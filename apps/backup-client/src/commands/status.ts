// `peerkeep status`: how the backups of this machine stand, and with --warn a word to whoever is to hear of overdue ones.
import type { Command } from 'commander';
import { type ClientConfig, readClientConfig, readStandings, type SetStanding, warnOfOverdue } from '#backup';
import { BrokerClient } from '#broker-api';
import { PeerHome, readHomeKey } from '#peer-home';
import { formatTime, isRefusal } from '#protocol';
import { EXIT } from '../exit-codes.js';
import { formatBytes, formatCounted, formatLocalTime, formatPairs } from '../format.js';
import { snakeMembers } from '../snake-members.js';
import { type CommandContext, type CommonOptions, homePathFor, newCommand } from './command-context.js';
import { nextOf } from './schedule.js';

const BROKER_MS_MAX = 5_000;

interface StatusOptions extends CommonOptions {
  readonly warn?: boolean;
}

/** What the broker says of this account; or the code of the refusal when it says nothing. */
type BrokerWord =
  | {
      readonly reachable: true;
      readonly available: bigint;
      readonly eligibleHosts: number;
      readonly hostsNeeded: number;
    }
  | { readonly reachable: false; readonly code: string };

export function statusCommand(context: CommandContext): Command {
  return newCommand('status', 'show when backups last succeeded, and what stands in their way')
    .option('--warn', 'run the hooks and the webhook where no backup succeeded for too long; end with 7 then')
    .action((options: StatusOptions) => status(context, options));
}

async function status(context: CommandContext, options: StatusOptions): Promise<void> {
  const { clock, environment, signal, terminal } = context;
  const home = await PeerHome.open(homePathFor(context, options), await readHomeKey(environment));
  const config = await readClientConfig(home.path);
  const onFault = (detail: string): void => terminal.warn(detail);
  const standings =
    options.warn === true
      ? await warnOfOverdue({ home, config, clock, environment, signal, onFault })
      : await readStandings({ home, config, clock });
  const broker = await askBroker(context, home);
  const warnings = warningsOf(standings, broker);
  if (options.warn === true && standings.some(({ isOverdue }) => isOverdue)) context.setExitCode(EXIT.overdue);
  const nowMs = clock.nowMs();
  const { peerId, name } = home.identity;
  const backups = standings.map((standing) => describe(standing, config, nowMs));
  const told = snakeMembers(broker.reachable ? { ...broker, available: String(broker.available) } : broker);
  terminal.result({ peer_id: peerId, name, home: home.path, backups, broker: told, warnings }, () =>
    [
      formatPairs([['machine', `${name} (${peerId})`], ['home', home.path], ...brokerPairs(broker)]),
      ...standings.flatMap((standing) => ['', formatStanding(standing, config, nowMs)]),
      ...(warnings.length === 0 ? [] : ['', ...warnings.map((warning) => `warning: ${warning}`)]),
    ].join('\n'),
  );
}

function describe({ set, lastSuccess, lastRun, isOverdue, days }: SetStanding, config: ClientConfig, nowMs: number) {
  const timeOf = (ms: number | undefined): string | null => (ms === undefined ? null : formatTime(ms));
  const configured = config.backups.find(({ name }) => name === set);
  return {
    set,
    last_success: timeOf(lastSuccess?.endedAtMs),
    last_run: timeOf(lastRun?.endedAtMs),
    last_outcome: lastRun?.outcome ?? null,
    last_code: lastRun?.code ?? null,
    snapshot_id: lastSuccess?.snapshotId ?? null,
    next: configured === undefined ? null : nextOf(configured, nowMs),
    overdue: isOverdue,
    days_without_success: Math.floor(days),
  };
}

function formatStanding(standing: SetStanding, config: ClientConfig, nowMs: number): string {
  const { set, lastSuccess, lastRun } = standing;
  const { next } = describe(standing, config, nowMs);
  const isBad = lastRun !== null && lastRun !== lastSuccess;
  const seen = lastSuccess?.bytes === undefined ? '' : `, ${formatBytes(lastSuccess.bytes)}`;
  return formatPairs([
    ['backup', set ?? '(any)'],
    ['last success', lastSuccess === null ? 'never' : `${formatLocalTime(lastSuccess.endedAtMs)}${seen}`],
    ...(isBad ? [['last run', `${formatLocalTime(lastRun.endedAtMs)}, ${outcomeOf(lastRun)}`] as const] : []),
    ...(next === null ? [] : [['next run', formatLocalTime(Date.parse(next))] as const]),
  ]);
}

function outcomeOf({ outcome, code }: NonNullable<SetStanding['lastRun']>): string {
  return outcome === 'failure' ? `failed (${code})` : outcome;
}

function brokerPairs(broker: BrokerWord): [string, string][] {
  if (!broker.reachable) return [['broker', `does not answer (${broker.code})`]];
  return [
    ['credit', `${formatBytes(Number(broker.available))} left`],
    ['hosts', `${broker.eligibleHosts} online, ${broker.hostsNeeded} needed`],
  ];
}

function warningsOf(standings: readonly SetStanding[], broker: BrokerWord): string[] {
  const overdue = standings.filter(({ isOverdue }) => isOverdue);
  return [
    ...overdue.map(({ set, lastSuccess, days }) => {
      const what = set === null ? 'no backup' : `backup "${set}" never`;
      if (lastSuccess === null) return `${set === null ? 'no backup ever' : what} succeeded`;
      const since = formatCounted(Math.floor(days), 'day');
      return set === null ? `no backup succeeded for ${since}` : `backup "${set}" did not succeed for ${since}`;
    }),
    ...standings
      .filter(({ lastRun }) => lastRun?.code === 'backup_empty')
      .map(({ set }) => `backup "${set}" held no file the last time: no old snapshot of it is removed`),
    ...(broker.reachable && broker.eligibleHosts < broker.hostsNeeded ? ['too few hosts are online for a backup'] : []),
    ...(broker.reachable && broker.available <= 0n ? ['no credit is left: nothing new can be stored'] : []),
  ];
}

async function askBroker({ clock, log, signal }: CommandContext, home: PeerHome): Promise<BrokerWord> {
  const broker = new BrokerClient({ home, clock, log });
  const options = { signal: AbortSignal.any([signal, AbortSignal.timeout(BROKER_MS_MAX)]) };
  try {
    const { credit } = await broker.peerStatus(options);
    const { eligibleHosts, safeShards } = await broker.redundancy(options);
    return { reachable: true, available: BigInt(credit.available), eligibleHosts, hostsNeeded: safeShards };
  } catch (error) {
    if (!isRefusal(error) || signal.aborted) throw error;
    return { reachable: false, code: error.code };
  } finally {
    await broker.close();
  }
}
