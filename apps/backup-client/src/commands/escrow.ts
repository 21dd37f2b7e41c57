// `peerkeep escrow on|off|status|cancel`: whether the broker keeps the master key of this account, and who asks for it.
import { Command } from 'commander';
import { BrokerClient } from '#broker-api';
import { PeerHome, readHomeKey } from '#peer-home';
import { type EscrowRecovery, type EscrowStatusAnswer, isRefusal, ProtocolError, parseTime } from '#protocol';
import { formatCounted, formatLocalTime, formatPairs, formatSeconds, printable } from '../format.js';
import { snakeMembers } from '../snake-members.js';
import type { Terminal } from '../terminal.js';
import { type CommandContext, type CommonOptions, homePathFor, newCommand } from './command-context.js';
import { registerRecoveryKey } from './register-recovery-key.js';

export function escrowCommand(context: CommandContext): Command {
  return new Command('escrow')
    .description('leave the key to your backups with the broker, or take it away again')
    .addCommand(
      newCommand(
        'on',
        'let the broker keep the key: it can be recovered by signing in, and its operator can read all',
      ).action((options: CommonOptions) => turnOn(context, options)),
    )
    .addCommand(
      newCommand('off', 'delete the key at the broker; the 24 words are then the only way back').action(
        (options: CommonOptions) => turnOff(context, options),
      ),
    )
    .addCommand(
      newCommand('status', 'what the broker keeps, which machines ask for it, and what happened').action(
        (options: CommonOptions) => status(context, options),
      ),
    )
    .addCommand(
      newCommand('cancel', 'stop a machine that asks for the key')
        .argument('[recovery-id]', 'as `peerkeep escrow status` shows it; may be left out when one asks')
        .action((recoveryId: string | undefined, options: CommonOptions) => cancel(context, recoveryId, options)),
    );
}

async function turnOn(context: CommandContext, options: CommonOptions): Promise<void> {
  const { identity } = await withBroker(context, options, async (broker, home) => {
    const masterKey = await home.masterKey();
    // The account has this key and no other: what is put in escrow can be checked when it comes out.
    await registerRecoveryKey(context, home, masterKey);
    await broker.escrow.store(masterKey, { signal: context.signal });
    return home;
  });
  sayEscrowIsOn(context.terminal);
  context.terminal.result({ account_id: identity.accountId, escrow: 'on' }, () => 'escrow is on');
}

async function turnOff(context: CommandContext, options: CommonOptions): Promise<void> {
  const { identity } = await withBroker(context, options, async (broker, home) => {
    await broker.escrow.remove({ signal: context.signal });
    return home;
  });
  context.terminal.say('the broker has deleted the key; copies of its database from before may still hold it');
  context.terminal.say('from here on only your machines and the 24 words open your backups');
  context.terminal.result({ account_id: identity.accountId, escrow: 'off' }, () => 'escrow is off');
}

async function status(context: CommandContext, options: CommonOptions): Promise<void> {
  const told = await withBroker(context, options, (broker) => broker.escrow.status({ signal: context.signal }));
  for (const recovery of told.recoveries) warnOfRecovery(context.terminal, recovery);
  context.terminal.result(snakeMembers(told), () => formatStatus(told));
}

async function cancel(context: CommandContext, wanted: string | undefined, options: CommonOptions): Promise<void> {
  const { signal, terminal } = context;
  const cancelled = await withBroker(context, options, async (broker) => {
    const recovery = findRecovery((await broker.escrow.status({ signal })).recoveries, wanted);
    await broker.escrow.cancel(recovery.recoveryId, { signal });
    return recovery;
  });
  const { recoveryId, peerId, name } = cancelled;
  terminal.say(`if that machine is not yours: peerkeep peers revoke ${peerId}, and choose a new password`);
  terminal.result(
    { recovery_id: recoveryId, peer_id: peerId, name, cancelled: true },
    () => `stopped the recovery of ${name}`,
  );
}

/**
 * The recovery that a person means: by its id, or the only one. Pure.
 *
 * throws   escrow_recovery_unknown | usage when several wait
 */
export function findRecovery(recoveries: readonly EscrowRecovery[], wanted: string | undefined): EscrowRecovery {
  const found = wanted === undefined ? recoveries : recoveries.filter(({ recoveryId }) => recoveryId === wanted);
  const [only, second] = found;
  if (only === undefined) throw new ProtocolError('escrow_recovery_unknown');
  if (second === undefined) return only;
  throw new ProtocolError('usage', {}, { detail: 'several machines ask for the key: give the recovery id' });
}

/** What it means, without varnish. */
export function sayEscrowIsOn(terminal: Terminal): void {
  terminal.say(
    'ESCROW IS ON: the broker keeps the key to your backups, and whoever operates it could read all of them',
  );
  terminal.say('so could whoever takes over your account at the broker and is not stopped in the waiting time');
  terminal.say('`peerkeep recover --escrow` gets the key back after a sign-in; `peerkeep escrow off` ends it');
}

/** Also what `peerkeep backup` tells, so that nobody has to look for it. */
export function warnOfRecovery(terminal: Terminal, { name, recoveryId, remainingMs }: EscrowRecovery): void {
  const left =
    remainingMs === 0 ? 'and may get it at any moment' : `and gets it in ${formatSeconds(remainingMs / 1000)}`;
  terminal.warn(`machine ${name} asks for the key to your backups, ${left}`);
  terminal.warn(`if it is not yours, stop it: peerkeep escrow cancel ${recoveryId}`);
}

/** Warn of machines that ask for the key; a broker that is away, or older, does not stop the command. */
export async function warnOfRecoveries(context: CommandContext, options: CommonOptions): Promise<void> {
  try {
    const { recoveries } = await withBroker(context, options, (broker) =>
      broker.escrow.status({ signal: context.signal }),
    );
    for (const recovery of recoveries) warnOfRecovery(context.terminal, recovery);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    context.log.debug({ event: 'escrow_status_unknown', err: error });
  }
}

export function formatStatus({ storedAt, recoveries, events }: EscrowStatusAnswer): string {
  const who = (peerId: string | null): string => (peerId === null ? 'on the pages' : `by ${peerId}`);
  return [
    formatPairs([
      ['escrow', storedAt === null ? 'off: the broker keeps no key' : `on since ${timeOf(storedAt)}`],
      ['recoveries', formatCounted(recoveries.length, 'machine') + (recoveries.length === 0 ? '' : ' waiting')],
    ]),
    ...recoveries.map(
      ({ recoveryId, name, dueAt, state }) =>
        `  ${recoveryId}  ${printable(name)}  ${state === 'ready' ? 'may get the key now' : `gets the key at ${timeOf(dueAt)}`}`,
    ),
    ...events.map(({ at, kind, peerId }) => `  ${timeOf(at)}  ${kind} ${who(peerId)}`),
  ].join('\n');
}

export function timeOf(text: string): string {
  return formatLocalTime(parseTime(text) ?? Number.NaN);
}

async function withBroker<T>(
  context: CommandContext,
  options: CommonOptions,
  ask: (broker: BrokerClient, home: PeerHome) => Promise<T>,
): Promise<T> {
  const home = await PeerHome.open(homePathFor(context, options), await readHomeKey(context.environment));
  const broker = new BrokerClient({ home, clock: context.clock, log: context.log });
  try {
    return await ask(broker, home);
  } finally {
    await broker.close();
  }
}
