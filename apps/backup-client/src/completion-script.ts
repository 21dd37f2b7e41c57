// Completion scripts for shells, made from the tree of commands. Words alone: files are completed by the shell itself. Pure.

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** A command with its options, the words that its arguments may be, and the commands below it. */
export interface WordTree {
  readonly name: string;
  readonly description: string;
  readonly options: readonly {
    readonly names: readonly string[];
    readonly description: string;
    readonly takesValue: boolean;
    readonly choices: readonly string[];
  }[];
  readonly arguments: readonly string[];
  readonly commands: readonly WordTree[];
}

/** The whole script, without a line break at its end. */
export function completionScript(shell: Shell, root: WordTree): string {
  switch (shell) {
    case 'bash':
      return bashScript(root);
    case 'zsh':
      return zshScript(root);
    case 'fish':
      return fishScript(root);
  }
}

/** Every command with the words that lead to it, the root first. */
function allCommands(tree: WordTree, above: readonly string[] = []): { path: readonly string[]; tree: WordTree }[] {
  const below = tree.commands.flatMap((command) => allCommands(command, [...above, command.name]));
  return [{ path: above, tree }, ...below];
}

function bashScript(root: WordTree): string {
  const cases = allCommands(root).map(({ path, tree }) => {
    const words = [...tree.commands.map(({ name }) => name), ...tree.arguments];
    const options = tree.options.flatMap(({ names }) => names);
    return `    '${path.join(' ')}') words='${words.join(' ')}' options='${options.join(' ')}' ;;`;
  });
  const choices = allCommands(root).flatMap(({ path, tree }) =>
    tree.options
      .filter((option) => option.choices.length > 0)
      .map(({ names, choices: values }) => {
        const keys = names.map((name) => `'${[...path, name].join(' ')}'`);
        return `    ${keys.join('|')}) COMPREPLY=($(compgen -W '${values.join(' ')}' -- "$current")); return ;;`;
      }),
  );
  const known = allCommands(root).flatMap(({ path }) => (path.length === 0 ? [] : [`'${path.join(' ')}'`]));
  return `# bash completion for ${root.name}
_${root.name}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" command='' word words options i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${command:+$command }\${COMP_WORDS[i]}"
    case "$word" in
    ${known.join('|')}) command="$word" ;;
    esac
  done
  case "\${command:+$command }\${COMP_WORDS[COMP_CWORD - 1]}" in
${choices.join('\n')}
  esac
  case "$command" in
${cases.join('\n')}
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  elif [[ -n $words ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  else
    compopt -o default 2>/dev/null
    COMPREPLY=()
  fi
}
complete -F _${root.name} ${root.name}`;
}

function zshScript(root: WordTree): string {
  const functions = allCommands(root).map(({ path, tree }) => {
    const options = tree.options.map(
      ({ names, description, takesValue, choices }) =>
        `    '${names.length > 1 ? `(${names.join(' ')})'{${names.join(',')}}'` : names[0]}[${zshText(description)}]${
          takesValue ? `:value:${choices.length > 0 ? `(${choices.join(' ')})` : '_files'}` : ''
        }'`,
    );
    const named = [root.name, ...path].join('_').replaceAll('-', '_');
    const rest =
      tree.commands.length > 0
        ? [
            `    '1:command:((${tree.commands.map((one) => `${one.name}\\:"${zshText(one.description)}"`).join(' ')}))'`,
            "    '*::arguments:->below'",
          ]
        : tree.arguments.length > 0
          ? [`    '1:word:(${tree.arguments.join(' ')})'`, "    '*:file:_files'"]
          : ["    '*:file:_files'"];
    const below = tree.commands.map(({ name }) => `      ${name}) _${[named, name.replaceAll('-', '_')].join('_')} ;;`);
    const dispatch =
      below.length === 0
        ? ''
        : `
  if [[ $state == below ]]; then
    case $line[1] in
${below.join('\n')}
    esac
  fi`;
    return `_${named}() {
  local line state
  _arguments -C \\
${[...options, ...rest].join(' \\\n')}${dispatch}
}`;
  });
  return `#compdef ${root.name}
${functions.join('\n')}
compdef _${root.name} ${root.name}`;
}

/** Inside single quotes, where brackets and colons mean something. */
function zshText(text: string): string {
  return text
    .replaceAll("'", '’')
    .replaceAll('"', '”')
    .replace(/[[\]:\\]/g, (found) => `\\${found}`);
}

function fishScript(root: WordTree): string {
  const lines = allCommands(root).flatMap(({ path, tree }) => {
    const condition = conditionOf(path, tree);
    const commands = tree.commands.map(
      ({ name, description }) => `complete -c ${root.name} -f ${condition} -a ${name} -d '${fishText(description)}'`,
    );
    const words = tree.arguments.map((word) => `complete -c ${root.name} -f ${condition} -a ${word}`);
    const options = tree.options.map(({ names, description, takesValue, choices }) => {
      const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
      const value = takesValue ? ` -r${choices.length > 0 ? ` -a '${choices.join(' ')}'` : ''}` : '';
      return `complete -c ${root.name} ${condition} ${flags.join(' ')}${value} -d '${fishText(description)}'`;
    });
    return [...commands, ...words, ...options];
  });
  return [`# fish completion for ${root.name}`, ...lines].join('\n');
}

function conditionOf(path: readonly string[], { commands }: WordTree): string {
  const seen = path.map((name) => `__fish_seen_subcommand_from ${name}`);
  const deeper = commands.map(({ name }) => name).join(' ');
  if (deeper !== '' && path.length > 0) seen.push(`not __fish_seen_subcommand_from ${deeper}`);
  return `-n '${path.length === 0 ? '__fish_use_subcommand' : seen.join('; and ')}'`;
}

function fishText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
}
