// `peerkeep credit`: what this account has in credit, how hosting came to it, and what it buys.
import type { Command } from 'commander';
import type { CreditAnswer } from '#protocol';
import { formatBytes, formatCount, formatPairs, formatTable, printable } from '../format.js';
import { snakeMembers } from '../snake-members.js';
import { askBroker } from './ask-broker.js';
import { type CommandContext, type CommonOptions, newCommand } from './command-context.js';

export function creditCommand(context: CommandContext): Command {
  return newCommand('credit', 'show the credit of this account, how hosting earned it, and what it buys').action(
    (options: CommonOptions) => credit(context, options),
  );
}

async function credit(context: CommandContext, options: CommonOptions): Promise<void> {
  const answer = await askBroker(context, options, (broker) => broker.credit({ signal: context.signal }));
  context.terminal.result(snakeMembers(answer), () => formatCredit(answer));
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
      ...(allowance.owed === '0'
        ? []
        : [['owed', `${sizeOf(allowance.owed)} that hosting no longer earns; it lapses first`] as const]),
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
  const known = classes.flatMap(survivalLine);
  if (known.length > 0) parts.push(known.join('\n'));
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

type CreditClass = CreditAnswer['classes'][number];

/** Nine nines; more of them by a formula are no news. */
const NINES_SHOWN_MAX = 9;

/** What this network shows of objects in general; nobody can promise it of one. */
function survivalLine({ durability, ratio, code, survival }: CreditClass): string[] {
  if (code === null || survival === null) return [];
  const { basis, measuredOverHostYears } = survival;
  const years = `${formatCount(Math.floor(measuredOverHostYears))} host-years`;
  const churn = basis === 'measured' ? `measured here (${years})` : `assumed until more is measured (${years} so far)`;
  const share = formatSurvival(survival.nines);
  return [
    `${durability}: ${code.dataShards} of ${code.totalShards}, ${share} of objects survive a year at the churn ${churn}; ${ratio} credits a byte`,
  ];
}

/** `99.98 %`, never rounded up. */
function formatSurvival(nines: number): string {
  if (nines > NINES_SHOWN_MAX) return `more than 99.${'9'.repeat(NINES_SHOWN_MAX - 2)} %`;
  const digits = Math.max(0, Math.ceil(nines) - 2);
  const lostSteps = Math.ceil(10 ** (2 + digits - nines) - 1e-9);
  return `${(100 - lostSteps / 10 ** digits).toFixed(digits)} %`;
}

function sizeOf(amount: string): string {
  return formatBytes(Number(amount));
}
