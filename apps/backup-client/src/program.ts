// The command line of `peerkeep`: its commands, and what is done with a wrong one.
import { Command } from 'commander';
import { VERSION } from '#process';
import { backupCommand } from './commands/backup.js';
import { browseCommand } from './commands/browse.js';
import { catCommand } from './commands/cat.js';
import { checkCommand } from './commands/check.js';
import type { CommandContext } from './commands/command-context.js';
import { completionCommand } from './commands/completion.js';
import { creditCommand } from './commands/credit.js';
import { diffCommand } from './commands/diff.js';
import { dumpCommand } from './commands/dump.js';
import { escrowCommand } from './commands/escrow.js';
import { findCommand } from './commands/find.js';
import { forgetCommand } from './commands/forget.js';
import { groupsCommand } from './commands/groups.js';
import { hostsCommand } from './commands/hosts.js';
import { initCommand } from './commands/init.js';
import { keyCommand } from './commands/key.js';
import { kitCommand } from './commands/kit.js';
import { lsCommand } from './commands/ls.js';
import { peersCommand } from './commands/peers.js';
import { pruneCommand } from './commands/prune.js';
import { recoverCommand } from './commands/recover.js';
import { repairCommand } from './commands/repair.js';
import { restoreCommand } from './commands/restore.js';
import { scheduleCommand } from './commands/schedule.js';
import { selfTestCommand } from './commands/self-test.js';
import { shareCommand } from './commands/share.js';
import { snapshotsCommand } from './commands/snapshots.js';
import { statsCommand } from './commands/stats.js';
import { statusCommand } from './commands/status.js';
import { tagCommand } from './commands/tag.js';
import { insteadOf } from './restic-names.js';
import type { Output } from './terminal.js';

/** Errors come out as CommanderError, after commander has printed them to `output.stderr`. */
export function buildProgram(context: CommandContext, output: { stdout: Output; stderr: Output }): Command {
  const program = new Command('peerkeep').description(
    'Keep your backups on other people’s disks, sealed, and keep theirs.',
  );
  program.version(`peerkeep ${VERSION}`, '--version', 'print the version');
  const commands = [
    initCommand,
    backupCommand,
    snapshotsCommand,
    lsCommand,
    findCommand,
    diffCommand,
    statsCommand,
    restoreCommand,
    dumpCommand,
    browseCommand,
    forgetCommand,
    tagCommand,
    pruneCommand,
    checkCommand,
    repairCommand,
    catCommand,
    recoverCommand,
    keyCommand,
    kitCommand,
    peersCommand,
    shareCommand,
    hostsCommand,
    groupsCommand,
    creditCommand,
    escrowCommand,
    scheduleCommand,
    statusCommand,
    selfTestCommand,
    completionCommand,
  ];
  for (const command of commands) program.addCommand(command(context));
  for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => output.stdout.write(text),
      writeErr: (text) => output.stderr.write(text),
      outputError: (text, write) => write(`peerkeep: ${text}  hint: ${hintOf(text)}\n`),
    });
  }
  return program;
}

/** For what commander says of a wrong command line. */
function hintOf(text: string): string {
  const name = /unknown command '([^']*)'/.exec(text)?.[1];
  return (name === undefined ? null : insteadOf(name)) ?? 'See --help.';
}
