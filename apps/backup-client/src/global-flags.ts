// Flags that all commands have may also stand before the command, as scripts for restic write them. Pure.

const FLAGS: ReadonlySet<string> = new Set(['-q', '--quiet', '-v', '-vv', '--verbose', '--json']);
const VALUE_FLAG = '--home';

/** The arguments with such flags moved behind the rest, before a `--`. */
export function globalFlagsLast(args: readonly string[]): string[] {
  const moved: string[] = [];
  let next = 0;
  while (next < args.length) {
    const arg = args[next]!;
    const count = arg === VALUE_FLAG ? 2 : FLAGS.has(arg) || arg.startsWith(`${VALUE_FLAG}=`) ? 1 : 0;
    if (count === 0) break;
    moved.push(...args.slice(next, next + count));
    next += count;
  }
  const rest = args.slice(next);
  // With flags alone there is no command: they stay, and are refused as they are.
  if (rest.length === 0) return [...args];
  const end = rest.indexOf('--');
  return end === -1 ? [...rest, ...moved] : [...rest.slice(0, end), ...moved, ...rest.slice(end)];
}
