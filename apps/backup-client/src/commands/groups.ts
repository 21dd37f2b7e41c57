// `peerkeep groups`: groups of peers that keep each other's shards among themselves; one makes a group, others apply.
import { Command } from 'commander';
import {
  type GroupId,
  groupIdField,
  groupNameField,
  type ListedGroup,
  type PeerId,
  ProtocolError,
  peerIdField,
} from '#protocol';
import { formatCounted, formatTable, printable } from '../format.js';
import { snakeMembers } from '../snake-members.js';
import { askBroker } from './ask-broker.js';
import { type CommandContext, type CommonOptions, newCommand } from './command-context.js';

export function groupsCommand(context: CommandContext): Command {
  const decision = (name: string, description: string, accept: boolean): Command =>
    newCommand(name, description)
      .argument('<group-id>')
      .argument('<peer-id>', 'as `peerkeep groups ls` shows it')
      .action((group: string, peer: string, options: CommonOptions) =>
        decide(context, { group, peer, accept }, options),
      );
  return new Command('groups')
    .description('groups of peers, which `peerkeep backup --group` keeps shards among')
    .addCommand(
      newCommand('ls', 'list the groups of this account, and those that this machine is in').action(
        (options: CommonOptions) => ls(context, options),
      ),
    )
    .addCommand(
      newCommand('create', 'make a group; this machine is its first member')
        .argument('<name>')
        .action((name: string, options: CommonOptions) => create(context, name, options)),
    )
    .addCommand(
      newCommand('apply', 'ask to be a member; the account that made the group decides')
        .argument('<group-id>', 'as its owner tells it')
        .action((group: string, options: CommonOptions) => apply(context, group, options)),
    )
    .addCommand(decision('accept', 'let a peer in that has applied', true))
    .addCommand(decision('remove', 'turn a peer down that has applied, or put a member out', false))
    .addCommand(
      newCommand('leave', 'be a member no more')
        .argument('<group-id>')
        .action((group: string, options: CommonOptions) => leave(context, group, options)),
    );
}

async function ls(context: CommandContext, options: CommonOptions): Promise<void> {
  const answer = await askBroker(context, options, (broker) => broker.groups.list({ signal: context.signal }));
  context.terminal.result(snakeMembers(answer), () => formatGroups(answer.groups));
}

async function create(context: CommandContext, name: string, options: CommonOptions): Promise<void> {
  if (!groupNameField.safeParse(name).success) throw usage('the name is one line of at most 64 characters');
  const answer = await askBroker(context, options, (broker) =>
    broker.groups.create({ name }, { signal: context.signal }),
  );
  context.terminal.result(snakeMembers(answer), () => answer.groupId);
}

async function apply(context: CommandContext, group: string, options: CommonOptions): Promise<void> {
  const groupId = parseGroupId(group);
  await askBroker(context, options, (broker) => broker.groups.apply(groupId, { signal: context.signal }));
  context.terminal.result({ group_id: groupId }, () => 'applied: a machine of the account that made the group decides');
}

async function leave(context: CommandContext, group: string, options: CommonOptions): Promise<void> {
  const groupId = parseGroupId(group);
  await askBroker(context, options, (broker) => broker.groups.leave(groupId, { signal: context.signal }));
  context.terminal.result({ group_id: groupId }, () => 'left the group');
}

async function decide(
  context: CommandContext,
  { group, peer, accept }: { readonly group: string; readonly peer: string; readonly accept: boolean },
  options: CommonOptions,
): Promise<void> {
  const groupId = parseGroupId(group);
  const peerId = parsePeerId(peer);
  const decision = { peerId, accept };
  await askBroker(context, options, (broker) => broker.groups.decide(groupId, decision, { signal: context.signal }));
  const document = { group_id: groupId, peer_id: peerId, member: accept };
  context.terminal.result(document, () => `${peerId} is ${accept ? 'a member' : 'no member'} of the group`);
}

export function formatGroups(groups: readonly ListedGroup[]): string {
  const rows = groups.map(({ groupId, name, owned, standing, members }) => [
    groupId,
    printable(name),
    standing === 'none' ? '-' : standing,
    owned ? 'this account' : 'another',
    members === null ? '-' : String(members.length),
  ]);
  const columns = [
    { title: 'ID' },
    { title: 'Name' },
    { title: 'This machine' },
    { title: 'Made by' },
    { title: 'Members', alignRight: true },
  ];
  const waiting = groups.flatMap(({ name, applicants }) =>
    (applicants ?? []).map((peerId) => `${peerId} has applied to ${printable(name)}`),
  );
  return [formatTable(columns, rows), formatCounted(groups.length, 'group'), ...waiting].join('\n');
}

function parseGroupId(text: string): GroupId {
  const groupId = groupIdField.safeParse(text);
  if (groupId.success) return groupId.data;
  throw usage(`${text} is no id of a group`);
}

function parsePeerId(text: string): PeerId {
  const peerId = peerIdField.safeParse(text);
  if (peerId.success) return peerId.data;
  throw usage(`${text} is no id of a peer`);
}

function usage(detail: string): ProtocolError {
  return new ProtocolError('usage', {}, { detail });
}
