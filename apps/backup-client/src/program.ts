// The command line of `peerkeep`: its commands, and what is done with a wrong one.
import { Command } from 'commander';
import { backupCommand } from './commands/backup.js';
import { checkCommand } from './commands/check.js';
import type { CommandContext } from './commands/command-context.js';
import { escrowCommand } from './commands/escrow.js';
import { initCommand } from './commands/init.js';
import { lsCommand } from './commands/ls.js';
import { peersCommand } from './commands/peers.js';
import { recoverCommand } from './commands/recover.js';
import { restoreCommand } from './commands/restore.js';
import { snapshotsCommand } from './commands/snapshots.js';
import type { Output } from './terminal.js';

/** Errors come out as CommanderError, after commander has printed them to `output.stderr`. */
export function buildProgram(context: CommandContext, output: { stdout: Output; stderr: Output }): Command {
  const program = new Command('peerkeep').description(
    'Keep your backups on other people’s disks, sealed, and keep theirs.',
  );
  const commands = [
    initCommand,
    backupCommand,
    snapshotsCommand,
    lsCommand,
    restoreCommand,
    checkCommand,
    recoverCommand,
    peersCommand,
    escrowCommand,
  ];
  for (const command of commands) program.addCommand(command(context));
  for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => output.stdout.write(text),
      writeErr: (text) => output.stderr.write(text),
      outputError: (text, write) => write(`peerkeep: ${text}  hint: See --help.\n`),
    });
  }
  return program;
}
