// One restore: walk a snapshot, give every entry its place in the target, and let the bytes of files come window by window.
import { lstatSync, readdirSync } from 'node:fs';
import { ProtocolError } from '#protocol';
import { errnoOf } from '../files/disk-failure.js';
import { diskFailure } from '../files/restore-failure.js';
import { RestoreWriter } from '../files/restore-writer.js';
import type { TargetDirectory } from '../files/target-directories.js';
import { findInTree } from '../get/find-in-tree.js';
import type { DirectoryEntry, SpecialEntry, SymlinkEntry, TreeEntry } from '../trees/tree-codec.js';
import { compileChoice } from './choose-entries.js';
import { inspectPlace, roomFor } from './clear-place.js';
import { deleteExtra } from './delete-extra.js';
import { FilePlacer } from './file-placer.js';
import { RestoreLevel } from './restore-level.js';
import type { RestoreParts, RestorePlace, RestoreRequest, RestoreRun, RestoreSummary } from './restore-parts.js';
import { interruptedBy, RestoreTally } from './restore-tally.js';
import { UnfinishedRestores } from './unfinished-restores.js';

/**
 * Restore a snapshot, or a part of it. A file whose chunks cannot all be had is left out and told, and so is what cannot
 * be read of a folder; the rest goes on. A run that was cut off goes on where it was when it is asked for again: what is
 * there is compared with the snapshot, and only what differs is fetched.
 *
 * throws   target_not_empty | usage | path_missing | broker_unreachable | interrupted | local_disk | as a loss of data
 *          does (the root)
 */
export async function runRestore(parts: RestoreParts, request: RestoreRequest): Promise<RestoreSummary> {
  const { snapshot, target, dryRun = false, signal } = request;
  const folder = request.folder ?? '/';
  const choose = compileChoice(request);
  const { entry, root } = await findInTree(parts.trees, snapshot.root, folder, signal);
  if (entry !== null && entry.type !== 'dir') {
    throw new ProtocolError('path_missing', {}, { detail: `${folder}: is no folder of the snapshot` });
  }
  const unfinished = await UnfinishedRestores.open(parts.folder);
  const what = { root, folder, patterns: request };
  // Only a restore into an empty target goes on by itself: in any other, nobody could tell its rests from a person's files.
  const isPlain = request.overwrite === undefined && request.deletes !== true;
  const goesOn = isPlain && (await unfinished.has(target, what));
  const policy = request.overwrite ?? (request.deletes === true || goesOn ? 'always' : null);
  if (policy !== null && policy !== 'always' && holdsAnything(target) && (await unfinished.hasAny(target))) {
    throw new ProtocolError('usage', {}, { detail: `--overwrite ${policy}: ${CUT_OFF_BEFORE}` });
  }

  const isWhole = entry === null && !hasPatterns(request);
  const totals = isWhole ? { files: snapshot.files, bytes: snapshot.sourceBytes } : { files: null, bytes: null };
  const tally = new RestoreTally(parts.clock, request.onEvent, totals, parts.fetcher.fetched);
  const writer = dryRun && !isThere(target) ? null : openWriter(request, policy, { isPlain, tally });
  const run: RestoreRun = { parts, request, writer, tally, policy, choose };
  try {
    if (!dryRun && isPlain) await unfinished.begin(target, what);
    await new TreeRestore(run).restore(root);
    writer?.finish();
  } finally {
    writer?.close();
  }
  if (!dryRun) await unfinished.end(target);
  return tally.conclude(parts.badHosts);
}

class TreeRestore {
  private readonly files: FilePlacer;
  private readonly levels: RestoreLevel[];
  /** Whether a pattern has chosen anything; folders on the way to what might be do not count. */
  private anyChosen = false;
  private entersNext = false;

  constructor(private readonly run: RestoreRun) {
    this.files = new FilePlacer(run);
    const target = run.writer?.root ?? null;
    this.levels = [
      new RestoreLevel(
        '',
        () => target ?? 'absent',
        () => target,
      ),
    ];
  }

  async restore(root: readonly string[]): Promise<void> {
    const { parts, request } = this.run;
    // A directory is decided when it comes; what it decided is asked for right behind.
    for await (const next of parts.trees.walk(root, () => this.entersNext, request.signal)) {
      interruptedBy(request.signal);
      if (next.step === 'entry') await this.restoreEntry(next.entry);
      else if (next.step === 'lost') this.loseRest(next.failure);
      else this.deleteExtra(this.levels.pop()!);
    }
    this.deleteExtra(this.levels[0]!);
    await this.files.writeAll();
    const { includes, iincludes = [] } = request;
    if (includes.length + iincludes.length > 0 && !this.anyChosen) {
      throw new ProtocolError('path_missing', {}, { detail: 'nothing in the snapshot matches --include' });
    }
  }

  private async restoreEntry(entry: TreeEntry): Promise<void> {
    const level = this.levels.at(-1)!;
    const path = level.path === '' ? textOf(entry.name) : `${level.path}/${textOf(entry.name)}`;
    const isOnlyOne = level.note(entry);
    const choice = this.run.choose(`/${path}`, entry.type === 'dir');
    this.entersNext = false;
    if (choice === 'none') return;
    if (choice === 'match') this.anyChosen = true;
    try {
      if (!isOnlyOne) throw new ProtocolError('name_taken');
      if (entry.type === 'dir') this.begin(level, path, entry, choice === 'match');
      else if (level.place !== null) await this.restoreLeaf(level.place, path, entry);
    } catch (error) {
      this.run.tally.passOver(path, error);
    }
  }

  /** A folder that is only on the way to what may be chosen is made when something below it is. */
  private begin(above: RestoreLevel, path: string, entry: DirectoryEntry, isChosen: boolean): void {
    const find = (): RestorePlace | null => {
      if (above.place === null) return null;
      try {
        return this.placeDirectory(above.place, path, entry);
      } catch (error) {
        this.run.tally.passOver(path, error);
        return null;
      }
    };
    const level = new RestoreLevel(path, find, () => this.lookFor(above, entry));
    if (isChosen && level.place === null) return;
    this.levels.push(level);
    this.entersNext = true;
  }

  private placeDirectory(above: RestorePlace, path: string, entry: DirectoryEntry): RestorePlace | null {
    const { writer, request, tally } = this.run;
    const { decision, found } = inspectPlace(this.run, above, entry);
    if (decision === 'keep') {
      tally.kept('dir', path);
      return null;
    }
    const isDry = request.dryRun === true;
    if (decision !== 'enter') roomFor(this.run, above, entry, found)?.();
    tally.counts.directories++;
    tally.entry(decision === 'enter' ? 'updated' : 'restored', 'dir', path);
    if (above === 'absent' || writer === null) return 'absent';
    if (decision === 'enter') return writer.enterDirectory(above, entry.name, isDry ? null : entry);
    return isDry ? 'absent' : writer.makeDirectory(above, entry.name, entry);
  }

  /** A folder that nothing was restored into, if it is there. */
  private lookFor(above: RestoreLevel, entry: DirectoryEntry): TargetDirectory | null {
    const { writer } = this.run;
    const parent = above.directory;
    if (writer === null || parent === null || !writer.inspect(parent, entry.name)?.isDirectory()) return null;
    return writer.enterDirectory(parent, entry.name, null);
  }

  private async restoreLeaf(
    place: RestorePlace,
    path: string,
    entry: Exclude<TreeEntry, DirectoryEntry>,
  ): Promise<void> {
    if (entry.type === 'file') return this.files.plan(place, path, entry);
    // A socket lives with the program that listens on it: there is nothing to bring back.
    if (entry.type !== 'socket') this.restoreNode(place, path, entry);
  }

  /** What has no bytes is made anew, unless the policy takes it for the same. */
  private restoreNode(place: RestorePlace, path: string, entry: SymlinkEntry | SpecialEntry): void {
    const { writer, request, tally } = this.run;
    const type = entry.type === 'symlink' ? 'symlink' : 'special';
    const { decision, found } = inspectPlace(this.run, place, entry);
    if (decision === 'keep') {
      tally.kept(type, path);
      return;
    }
    if (decision !== 'trust' && request.dryRun !== true && place !== 'absent' && writer !== null) {
      const makeRoom = roomFor(this.run, place, entry, found);
      if (entry.type === 'symlink') writer.makeSymlink(place, entry.name, entry.linkTarget, entry, makeRoom);
      else if (entry.type !== 'socket') writer.makeSpecial(place, entry.name, { ...entry, type: entry.type }, makeRoom);
    }
    if (entry.type === 'symlink') tally.counts.symlinks++;
    else tally.counts.specials++;
    const action = found === null ? 'restored' : 'updated';
    tally.entry(decision === 'trust' ? 'unchanged' : action, type, path);
  }

  /** The rest of a folder's entries cannot be read. Without the root there is nothing to restore. */
  private loseRest(failure: ProtocolError): void {
    const level = this.levels.at(-1)!;
    if (level.path === '') throw failure;
    level.isComplete = false;
    this.run.tally.passOver(level.path, failure);
  }

  private deleteExtra(level: RestoreLevel): void {
    if (this.run.request.deletes === true && level.isComplete) deleteExtra(this.run, level);
  }
}

const CUT_OFF_BEFORE =
  'an earlier restore into this target was cut off, and what it left would be kept as it is; run that one again, or use --overwrite always';

/** isPlain   the next run of the same restore compares what is there; any other may keep it */
function openWriter(
  request: RestoreRequest,
  policy: RestoreRun['policy'],
  { isPlain, tally }: { isPlain: boolean; tally: RestoreTally },
): RestoreWriter {
  return new RestoreWriter({
    targetPath: request.target,
    mayHoldEntries: policy !== null,
    syncFiles: request.dryRun !== true,
    wholeOnly: !isPlain,
    syncAtRename: !isPlain && policy !== 'always',
    sparse: request.sparse === true,
    onProblem: (problem) => tally.problem(problem),
  });
}

function isThere(target: string): boolean {
  try {
    lstatSync(target);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw diskFailure(error);
  }
}

function holdsAnything(target: string): boolean {
  try {
    return readdirSync(target).length > 0;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw diskFailure(error);
  }
}

function hasPatterns({ includes, iincludes = [], excludes = [], iexcludes = [] }: RestoreRequest): boolean {
  return includes.length + iincludes.length + excludes.length + iexcludes.length > 0;
}

function textOf(name: Uint8Array): string {
  return Buffer.from(name).toString();
}
