// `peerkeep hosts`: on whose machines the shards of this account are, and what is known of those machines.
import type { Command } from 'commander';
import { type KnownWay, readWays } from '#backup';
import { type ListedHost, type ListHostsAnswer, parseTime } from '#protocol';
import { formatBytes, formatCount, formatCounted, formatLocalTime, formatTable, printable } from '../format.js';
import { snakeMembers } from '../snake-members.js';
import { askBroker } from './ask-broker.js';
import { type CommandContext, type CommonOptions, homePathFor, newCommand } from './command-context.js';

/** Enough of an id to tell hosts apart: its time of enrolment, and some of its luck. */
const SHORT_ID_CHARS = 18;

export function hostsCommand(context: CommandContext): Command {
  return newCommand('hosts', 'list the hosts that hold your shards, and how reliable they are').action(
    (options: CommonOptions) => hosts(context, options),
  );
}

async function hosts(context: CommandContext, options: CommonOptions): Promise<void> {
  const listed = await askBroker(context, options, (broker) => broker.listHosts({ signal: context.signal }));
  const ways = new Map((await readWays(homePathFor(context, options))).map((way) => [way.peerId, way]));
  const hosts = listed.hosts.map((host) => ({ ...host, way: ways.get(host.peerId) ?? null }));
  context.terminal.result(snakeMembers({ ...listed, hosts }), () => formatHosts({ ...listed, hosts }));
}

/** How this machine reached it last; null when it has not yet. */
type ReachedHost = ListedHost & { readonly way: KnownWay | null };
type ReachedHosts = Omit<ListHostsAnswer, 'next' | 'hosts'> & { readonly hosts: readonly ReachedHost[] };

const WAYS: Readonly<Record<KnownWay['reason'], string>> = {
  neighbour: 'local network',
  direct_answers: 'direct',
  only_way: 'relay (firewalled)',
  direct_failed: 'relay (direct failed)',
  direct_slow: 'relay (direct is slower)',
};

export function formatHosts({ hosts, total, networks, operators }: ReachedHosts): string {
  const columns = [
    { title: 'Host' },
    { title: 'Shards', alignRight: true },
    { title: 'Size', alignRight: true },
    { title: 'Uptime', alignRight: true },
    { title: 'State' },
    { title: 'Reached' },
    { title: 'Seen' },
  ];
  const spread = `${formatCounted(total, 'host')} of ${formatCounted(operators, 'operator')} in ${formatCounted(networks, 'network')}`;
  return `${formatTable(columns, hosts.map(rowOf))}\n${spread}`;
}

function rowOf({ peerId, name, shards, bytes, uptime, state, online, seenAt, way }: ReachedHost): string[] {
  return [
    name === null ? peerId.slice(0, SHORT_ID_CHARS) : printable(name),
    formatCount(shards),
    formatBytes(bytes),
    uptime === null ? '-' : `${(uptime * 100).toFixed(1)} %`,
    online ? state : `${state}, offline`,
    way === null ? '-' : WAYS[way.reason],
    seenAt === null ? '-' : formatLocalTime(parseTime(seenAt) ?? Number.NaN),
  ];
}
