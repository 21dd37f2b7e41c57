// Which entries of a snapshot a restore is about: what --include names without what --exclude names. Pure.
import { compileExcludes, compileIncludes, type PathChoice } from '../files/path-patterns.js';

/** Patterns of path-patterns.ts; those of the `i` lists do not tell upper from lower case. */
export interface EntryPatterns {
  readonly includes: readonly string[];
  readonly iincludes?: readonly string[];
  readonly excludes?: readonly string[];
  readonly iexcludes?: readonly string[];
}

/** What a removal does with what the patterns say of an entry. */
export const REMOVAL_CHOICES = { match: 'all', lead: 'some', none: 'none' } as const;

export type ChooseEntry = (path: string, isDirectory: boolean) => PathChoice;

/**
 * With no include: everything. An exclude takes its entry away with all below, also from an include.
 *
 * returns   a function of a path in the snapshot ("/a/b"), asked from the top down and not below `none`
 * throws    usage for an empty pattern or one with an impossible range
 */
export function compileChoice({ includes, iincludes = [], excludes = [], iexcludes = [] }: EntryPatterns): ChooseEntry {
  const isExcluded = compileExcludes(excludes);
  const isExcludedFolded = compileExcludes(iexcludes.map(foldCase));
  const included = compileIncludes(includes);
  const includedFolded = compileIncludes(iincludes.map(foldCase));
  return (path, isDirectory) => {
    const folded = foldCase(path);
    if (isExcluded(path) || isExcludedFolded(folded)) return 'none';
    if (includes.length === 0 && iincludes.length === 0) return 'match';
    const choices = [
      ...(includes.length === 0 ? [] : [included(path, isDirectory)]),
      ...(iincludes.length === 0 ? [] : [includedFolded(folded, isDirectory)]),
    ];
    if (choices.includes('match')) return 'match';
    return choices.includes('lead') ? 'lead' : 'none';
  };
}

function foldCase(text: string): string {
  return text.toLowerCase();
}
