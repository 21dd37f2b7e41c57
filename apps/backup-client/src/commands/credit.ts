// `peerkeep credit`: what this account has in credit, how hosting came to it, and what it buys.
import type { Command } from 'commander';
import { BrokerClient } from '#broker-api';
import { PeerHome, readHomeKey } from '#peer-home';
import type { CreditAnswer } from '#protocol';
import { formatBytes, formatPairs, formatTable, printable } from '../format.js';
import { snakeMembers } from '../snake-members.js';
import { type CommandContext, type CommonOptions, homePathFor, newCommand } from './command-context.js';

export function creditCommand(context: CommandContext): Command {
  return newCommand('credit', 'show the credit of this account, how hosting earned it, and what it buys').action(
    (options: CommonOptions) => credit(context, options),
  );
}

async function credit(context: CommandContext, options: CommonOptions): Promise<void> {
  const { terminal, signal, clock, log } = context;
  const home = await PeerHome.open(homePathFor(context, options), await readHomeKey(context.environment));
  const broker = new BrokerClient({ home, clock, log });
  try {
    const answer = await broker.credit({ signal });
    terminal.result(snakeMembers(answer), () => formatCredit(answer));
  } finally {
    await broker.close();
  }
}

export function formatCredit(answer: CreditAnswer): string {
  const { credit, allowance, proved, movements, classes } = answer;
  const parts = [
    formatPairs([
      ['available', sizeOf(credit.available)],
      ['reserved', `${sizeOf(credit.reserved)} for puts under way`],
      ['used', `${sizeOf(credit.used)} for what is stored`],
      ['withheld', `${sizeOf(credit.withheld)} until new machines have proved themselves`],
      ['hosting', `${sizeOf(allowance.earned)} on average over ${allowance.windowDays} days`],
    ]),
    formatTable(
      [{ title: 'Durability' }, { title: 'Price', alignRight: true }, { title: 'Code' }, { title: 'Buys' }],
      classes.map(({ durability, ratio, isDefault, code, backupBytes }) => [
        isDefault ? `${durability} (default)` : durability,
        `${ratio}x`,
        code === null ? 'too few hosts' : `${code.dataShards} of ${code.totalShards}`,
        sizeOf(backupBytes),
      ]),
    ),
  ];
  if (proved.length > 0) {
    const rows = proved.map(({ day, name, provedBytes, withheld }) => [
      day,
      printable(name),
      sizeOf(provedBytes),
      withheld ? 'withheld' : 'counts',
    ]);
    parts.push(
      formatTable([{ title: 'Day' }, { title: 'Machine' }, { title: 'Proved', alignRight: true }, { title: '' }], rows),
    );
  }
  if (movements.length > 0) {
    const rows = movements.map(({ day, kind, amount, reason }) => [day, kind, sizeOf(amount), printable(reason ?? '')]);
    parts.push(
      formatTable([{ title: 'Day' }, { title: 'What' }, { title: 'Credit', alignRight: true }, { title: 'Why' }], rows),
    );
  }
  return parts.join('\n\n');
}

function sizeOf(amount: string): string {
  return formatBytes(Number(amount));
}
