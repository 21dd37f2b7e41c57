// A walk that leaves out what the rules of a backup leave out.
import { EntrySelection, type SelectionRules } from './entry-selection.js';
import { type WalkEvent, walk } from './walk.js';
import type { WalkRoots } from './walk-roots.js';

/**
 * Walk the roots by the rules; events are those of `walk`, and what is left out gives none. The roots themselves are
 * walked whatever the rules say.
 *
 * throws   usage for a malformed pattern, at the first step
 */
export async function* selectedWalk(roots: WalkRoots, rules: SelectionRules): AsyncGenerator<WalkEvent> {
  const selection = new EntrySelection(rules);
  // A generator goes on when its next event is asked for: the selection knows of a directory before its entries come.
  for await (const event of walk(roots, (path) => selection.omits(path))) {
    switch (event.type) {
      case 'enter-dir':
        selection.enter(event);
        break;
      case 'leave-dir':
        selection.leave();
        break;
      case 'skipped':
        break;
      default:
        if (selection.omitsLeaf(event.type, event.stat)) continue;
    }
    yield event;
  }
}
