// Patterns that choose paths, after restic's: for `--exclude` on backup and `--include` on restore. Pure.
//
//     *.tmp            any entry with such a name
//     cache/*.bin      such an entry in any directory called cache
//     /home/ann/music  this path only, from the root
//     /home/**/node_modules   ** stands for any number of directories, none too
//
// `*` `?` `[a-z]` `[^a-z]` stay within one name; `\` takes the next character as it is; everything else, also `{` and
// `(`, is itself. A slash at the end is ignored. A pattern chooses an entry, and thereby all below it; the names above
// the folder that is walked never count. Names that are no UTF-8 are compared with U+FFFD for each bad byte.
//
// Among excludes, `!` before a pattern takes back what earlier ones left out, and of all that match the last one counts.
// What lies below a folder that is left out is never looked at, so nothing there can be taken back.

import picomatch from 'picomatch';
import { ProtocolError } from '#protocol';

/** match: chosen, with all below. lead: a directory in which something may be chosen. none: nothing here or below. */
export type PathChoice = 'match' | 'lead' | 'none';

export interface PatternOptions {
  /** Upper and lower case are the same letter, in patterns and names. */
  readonly ignoreCase?: boolean;
}

/**
 * Whether a walk leaves an entry out. It is asked from the top down and not below what it left out, so a pattern is
 * compared with the entry itself; a `!` pattern also with the folders above, because it takes back all below a folder.
 *
 * returns   a function of an absolute path ("/a/b")
 * throws    usage for an empty pattern or one with an impossible range
 */
export function compileExcludes(patterns: readonly string[], options: PatternOptions = {}): (path: string) => boolean {
  const rules = patterns.map((pattern) => {
    const takesBack = pattern.startsWith('!');
    return { takesBack, matches: compileMatcher(takesBack ? pattern.slice(1) : pattern, takesBack, options) };
  });
  if (rules.length === 0) return () => false;
  return (path) => {
    const names = namesOf(path);
    let isOut = false;
    for (const { takesBack, matches } of rules) if (isOut === takesBack && matches(names)) isOut = !takesBack;
    return isOut;
  };
}

/**
 * Which entries of a snapshot a restore writes. With no pattern: all.
 *
 * returns   a function of a path in the snapshot ("/a/b"), and whether that is a directory
 * throws    usage for an empty pattern or one with an impossible range
 */
export function compileIncludes(
  patterns: readonly string[],
  options: PatternOptions = {},
): (path: string, isDirectory: boolean) => PathChoice {
  if (patterns.length === 0) return () => 'match';
  const compiled = patterns.map((pattern) => compilePattern(pattern, options));
  return (path, isDirectory) => {
    const names = namesOf(path);
    const reached = compiled.map((steps) => follow(steps, names));
    const chosen = compiled.some((steps, i) => reached[i]!.some((positions) => positions.has(steps.length)));
    if (chosen) return 'match';
    return isDirectory && reached.some((positions) => positions.at(-1)!.size > 0) ? 'lead' : 'none';
  };
}

type Step = 'any-directories' | ((name: string) => boolean);

/** Compares the names of a path with one pattern: the last name, or with `above` any name on the way as well. */
function compileMatcher(
  pattern: string,
  above: boolean,
  options: PatternOptions,
): (names: readonly string[]) => boolean {
  const steps = compilePattern(pattern, options);
  const [first, only] = steps;
  // Most patterns are one name anywhere, and most entries match none: no position needs to be followed for those.
  if (steps.length === 2 && first === 'any-directories' && typeof only === 'function') {
    return (names) => (above ? names.some((name) => only(name)) : names.length > 0 && only(names.at(-1)!));
  }
  return (names) => {
    const reached = follow(steps, names);
    const looked = above ? reached : reached.slice(-1);
    return looked.some((positions) => positions.has(steps.length));
  };
}

function compilePattern(pattern: string, options: PatternOptions): readonly Step[] {
  const parts = namesOf(pattern);
  if (parts.length === 0) throw new ProtocolError('usage', {}, { detail: `the pattern "${pattern}" names nothing` });
  const steps: Step[] = pattern.startsWith('/') ? [] : ['any-directories'];
  for (const part of parts) steps.push(part === '**' ? 'any-directories' : compileName(part, pattern, options));
  // At the end `**` means all that is below, and not the directory itself.
  if (parts.at(-1) === '**') steps.push(() => true);
  return steps;
}

/** One name of a pattern, as a test of one name of a path. throws usage */
export function compileName(
  part: string,
  pattern: string,
  { ignoreCase = false }: PatternOptions,
): (name: string) => boolean {
  if (!/[*?[\\]/.test(part)) {
    const wanted = part.toLowerCase();
    return ignoreCase ? (name) => name.toLowerCase() === wanted : (name) => name === part;
  }
  try {
    const matches = picomatch(escapeRest(part), ignoreCase ? NAME_OPTIONS_IGNORING_CASE : NAME_OPTIONS);
    // A second argument would make it answer with an object, which is true whatever it says.
    return (name) => matches(name);
  } catch (cause) {
    throw new ProtocolError('usage', {}, { cause, detail: `the pattern "${pattern}" is malformed` });
  }
}

/** One character is one code point, a line break is a character, and what is malformed throws instead of never matching. */
const NAME_OPTIONS: picomatch.PicomatchOptions = {
  dot: true,
  nonegate: true,
  nobrace: true,
  noextglob: true,
  noglobstar: true,
  keepQuotes: true,
  fastpaths: false,
  flags: 'su',
  debug: true,
};
const NAME_OPTIONS_IGNORING_CASE: picomatch.PicomatchOptions = { ...NAME_OPTIONS, flags: 'sui' };

/** Parentheses, braces and bars are plain characters; a backslash stays only before what means something. */
function escapeRest(part: string): string {
  return part.replace(/\\(.)|[(){}|]/gsu, (found: string, escaped: string | undefined) => {
    if (escaped === undefined) return `\\${found}`;
    return '^$\\.*+?()[]{}|-'.includes(escaped) ? found : escaped;
  });
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

/**
 * Follow a path through a pattern.
 *
 * returns   for the root and then each name of the path: the positions that the pattern can be at. `steps.length` is
 *           the end of the pattern; no positions means that nothing below can match.
 */
function follow(steps: readonly Step[], names: readonly string[]): ReadonlySet<number>[] {
  let positions = withSkips(steps, [0]);
  const reached = [positions];
  for (const name of names) {
    const next: number[] = [];
    for (const position of positions) {
      const step = steps[position];
      if (step === 'any-directories') next.push(position);
      else if (step?.(name)) next.push(position + 1);
    }
    positions = withSkips(steps, next);
    reached.push(positions);
  }
  return reached;
}

/** `**` may stand for nothing, so whoever is before it is also behind it. */
function withSkips(steps: readonly Step[], positions: readonly number[]): ReadonlySet<number> {
  const all = new Set(positions);
  for (const position of all) {
    if (steps[position] === 'any-directories') all.add(position + 1);
  }
  return all;
}
