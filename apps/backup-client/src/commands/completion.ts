// `peerkeep completion bash|zsh|fish`: prints what the shell needs to complete commands and options.
import { Argument, type Command, type Option } from 'commander';
import { completionScript, SHELLS, type Shell, type WordTree } from '../completion-script.js';
import { type CommandContext, newCommand } from './command-context.js';

export function completionCommand(context: CommandContext): Command {
  const command = newCommand('completion', 'print a completion script for a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText(
      'after',
      `
bash:  peerkeep completion bash > ~/.local/share/bash-completion/completions/peerkeep
zsh:   peerkeep completion zsh > "\${fpath[1]}/_peerkeep"
fish:  peerkeep completion fish > ~/.config/fish/completions/peerkeep.fish`,
    );
  return command.action((shell: Shell) => {
    const script = completionScript(shell, treeOf(command.parent!));
    context.terminal.result({ shell, script }, () => script);
  });
}

function treeOf(command: Command): WordTree {
  return {
    name: command.name(),
    description: command.description(),
    options: command.options.filter(({ hidden }) => !hidden).map(optionOf),
    arguments: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
    commands: command.commands.map(treeOf),
  };
}

function optionOf({ long, short, description, required, optional, argChoices }: Option): WordTree['options'][number] {
  return {
    names: [short, long].filter((name) => name !== undefined && name !== null),
    description,
    takesValue: required || optional,
    choices: argChoices ?? [],
  };
}
