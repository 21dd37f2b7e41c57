// `peerkeep peers ls|revoke|append-only`: the machines of this account, how one that was lost is shut out, and how one
// is kept from deleting.
import { Command } from 'commander';
import { type ListedPeer, ProtocolError, parseTime, reasonField } from '#protocol';
import { formatCounted, formatLocalTime, formatTable, printable } from '../format.js';
import { snakeMembers } from '../snake-members.js';
import { askBroker } from './ask-broker.js';
import { type CommandContext, type CommonOptions, newCommand } from './command-context.js';

interface RevokeOptions extends CommonOptions {
  readonly reason: string;
}

export function peersCommand(context: CommandContext): Command {
  return new Command('peers')
    .description('list the machines of this account, shut one out, or keep one from deleting')
    .addCommand(
      newCommand('ls', 'list all machines, oldest first').action((options: CommonOptions) => ls(context, options)),
    )
    .addCommand(
      newCommand('revoke', 'shut another machine out for good: it can neither back up nor restore, and stores nothing')
        .argument('<name-or-id>', 'as `peerkeep peers ls` shows it')
        .option('--reason <text>', 'what to remember about it', '')
        .action((wanted: string, options: RevokeOptions) => revoke(context, wanted, options)),
    )
    .addCommand(
      newCommand(
        'append-only',
        'from now on a machine adds and never deletes; a person takes it back on the account page',
      )
        .argument('<name-or-id>', 'as `peerkeep peers ls` shows it')
        .action((wanted: string, options: CommonOptions) => setAppendOnly(context, wanted, options)),
    );
}

async function ls(context: CommandContext, options: CommonOptions): Promise<void> {
  const peers = await askBroker(context, options, (broker) => broker.listPeers({ signal: context.signal }));
  context.terminal.result(snakeMembers(peers), () => formatPeers(peers));
}

async function revoke(context: CommandContext, wanted: string, options: RevokeOptions): Promise<void> {
  const { terminal, signal } = context;
  const { reason } = options;
  if (!reasonField.safeParse(reason).success) {
    throw new ProtocolError('usage', {}, { detail: '--reason is one line of at most 200 characters' });
  }
  const revoked = await askBroker(context, options, async (broker) => {
    const peer = findPeer(await broker.listPeers({ signal }), wanted);
    return broker.revokePeer(peer.peerId, reason, { signal });
  });
  terminal.result(snakeMembers(revoked), () => `${revoked.peerId} ${printable(revoked.name)} is revoked`);
}

async function setAppendOnly(context: CommandContext, wanted: string, options: CommonOptions): Promise<void> {
  const { terminal, signal } = context;
  const peer = await askBroker(context, options, async (broker) => {
    const { peerId } = findPeer(await broker.listPeers({ signal }), wanted);
    return broker.setAppendOnly(peerId, { signal });
  });
  terminal.result(snakeMembers(peer), () => `${peer.peerId} ${printable(peer.name)} deletes nothing from now on`);
}

/**
 * The machine that a person means: by its id, or by the name of exactly one that is not revoked. Pure.
 *
 * throws   peer_unknown | usage for a name that several have
 */
export function findPeer(peers: readonly ListedPeer[], wanted: string): ListedPeer {
  const byId = peers.find(({ peerId }) => peerId === wanted);
  if (byId !== undefined) return byId;
  const named = peers.filter(({ name }) => name === wanted);
  const [only, second] = named.some(isIn) ? named.filter(isIn) : named;
  if (only === undefined) throw new ProtocolError('peer_unknown');
  if (second === undefined) return only;
  throw new ProtocolError('usage', {}, { detail: `several machines have the name ${wanted}: give the id` });
}

function isIn({ state }: ListedPeer): boolean {
  return state !== 'revoked';
}

export function formatPeers(peers: readonly ListedPeer[]): string {
  const rows = peers.map(({ peerId, name, state, stateChange, seenAt, appendOnly }) => [
    peerId,
    printable(name),
    appendOnly ? `${state}, append-only` : state,
    seenAt === null ? '-' : timeOf(seenAt),
    stateChange === null ? '' : `${timeOf(stateChange.at)} by the ${stateChange.by}${whyOf(stateChange)}`,
  ]);
  const columns = [{ title: 'ID' }, { title: 'Name' }, { title: 'State' }, { title: 'Seen' }, { title: 'Changed' }];
  return `${formatTable(columns, rows)}\n${formatCounted(peers.length, 'machine')}`;
}

/** What a person wrote; where the broker did it by itself, its reason. */
function whyOf({ by, code, reason }: NonNullable<ListedPeer['stateChange']>): string {
  const said = [by === 'broker' ? code.replaceAll('_', ' ') : '', printable(reason)].filter((text) => text !== '');
  return said.map((text) => ` ${text}`).join('');
}

function timeOf(text: string): string {
  return formatLocalTime(parseTime(text) ?? Number.NaN);
}
