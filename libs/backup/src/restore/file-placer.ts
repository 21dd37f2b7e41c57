// Decides for each file of a restore what has to be written, finds what is there already, and links names of one file.
import type { BigIntStats } from 'node:fs';
import { isRefusal, ProtocolError } from '#protocol';
import { checkedName } from '../files/hostile-names.js';
import type { RestoreWriter } from '../files/restore-writer.js';
import { REPLACED_BY_RENAME } from '../files/take-place.js';
import type { TargetDirectory } from '../files/target-directories.js';
import type { RestoredFile } from '../files/target-files.js';
import { isLossOfData } from '../get/loss-of-data.js';
import type { FileEntry } from '../trees/tree-codec.js';
import { inspectPlace, roomFor } from './clear-place.js';
import { isAboutOneEntry } from './entry-failure.js';
import { HardLinks, type LinkablePlace } from './hard-links.js';
import { KeptParts } from './kept-parts.js';
import { RestoreFetches } from './restore-fetches.js';
import type { RestorePlace, RestoreRun } from './restore-parts.js';
import { RestoreWindow } from './restore-window.js';
import { RestoringFile } from './restoring-file.js';
import { StoredContent } from './stored-content.js';

/** A file entry, and where it goes. */
interface FilePlan {
  readonly place: RestorePlace;
  readonly path: string;
  readonly entry: FileEntry;
  /** It has another name in the snapshot, which it could not be linked to. */
  readonly isCopy?: boolean;
}

/** A file that is there to be read: `identity` is its device and inode. */
interface PresentFile {
  readonly writer: RestoreWriter;
  readonly place: LinkablePlace;
  readonly found: BigIntStats;
}

export class FilePlacer {
  private readonly window = new RestoreWindow();
  private readonly links = new HardLinks<FilePlan>();
  private readonly fetches: RestoreFetches;
  private readonly content: StoredContent;
  /** Names of a file whose first name could not be restored. */
  private again: FilePlan[] = [];
  /** Files that are whole, and are to be read back. */
  private toVerify: { readonly plan: FilePlan; readonly place: LinkablePlace }[] = [];

  constructor(private readonly run: RestoreRun) {
    const { parts, request, tally } = run;
    this.fetches = new RestoreFetches(parts, request.signal, (bytes, path) => tally.writtenBytes(bytes, path));
    this.content = new StoredContent(parts.keys, parts.trees);
  }

  /**
   * Plan a file; its bytes come with its window, which is written when it is full. What concerns this file alone is told.
   *
   * throws   what ends a restore
   */
  async plan(place: RestorePlace, path: string, entry: FileEntry): Promise<void> {
    this.again.push({ place, path, entry });
    await this.planAgain();
    if (this.window.isFull) await this.writeWindow();
  }

  /** Write everything that was planned. throws what ends a restore */
  async writeAll(): Promise<void> {
    await this.writeWindow();
    while (this.again.length > 0) {
      await this.planAgain();
      await this.writeWindow();
    }
  }

  private async planAgain(): Promise<void> {
    for (let next = this.again.pop(); next !== undefined; next = this.again.pop()) await this.planAny(next);
  }

  private async planAny(plan: FilePlan): Promise<void> {
    const joined = plan.isCopy === true ? 'first' : this.links.join(plan.entry, plan);
    if (joined === 'waits') {
      this.window.addFile();
      if (this.run.request.dryRun === true) this.countLink(plan, 'restored');
      return;
    }
    try {
      if (joined === 'first') await this.planFirst(plan);
      else this.link(joined, plan);
    } catch (error) {
      this.run.tally.passOver(plan.path, error);
      if (joined === 'first') this.notThere(plan);
    }
  }

  private async planFirst(plan: FilePlan): Promise<void> {
    const { place, path, entry } = plan;
    const { decision, found } = inspectPlace(this.run, place, entry);
    const present = this.presentFile(plan, found);
    if (decision === 'keep') {
      this.run.tally.kept('file', path);
      this.notThere(plan);
    } else if (decision === 'trust' && present !== null && this.mayDescribe(present, entry)) {
      await this.leaveAsItIs(plan, present);
    } else if (decision === 'compare' && present !== null) await this.planOver(plan, present);
    else await this.planAnew(plan, found);
  }

  /** Every byte comes from the snapshot, into a new file. */
  private async planAnew(plan: FilePlan, found: BigIntStats | null): Promise<void> {
    const { place, entry } = plan;
    const { writer, request, tally } = this.run;
    const makeRoom = roomFor(this.run, place, entry, found);
    if (request.dryRun === true || place === 'absent' || writer === null) {
      tally.counts.bytes += entry.sizeBytes;
      return this.isThere(plan, found === null ? 'restored' : 'updated', null);
    }
    const open = (): RestoredFile => writer.openFile(place, entry.name, entry.sizeBytes, makeRoom);
    const file = this.begin(writer, plan, open, found === null ? 'restored' : 'updated');
    file.expectNoMore(await this.planChunks(file, entry, async () => false));
  }

  /**
   * Only what differs comes from the snapshot, into a new file beside: the old one stays until that is whole. A file that
   * cannot be described is made anew unless it is right as it is.
   */
  private async planOver(plan: FilePlan, present: PresentFile): Promise<void> {
    const { entry } = plan;
    const { request, tally } = this.run;
    const { writer, place, found } = present;
    const isDry = request.dryRun === true;
    if (!canRead(found)) return this.planAnew(plan, found);
    if (!isOwnAlone(found)) {
      const isWhole = isAsDescribed(writer, found, entry) && (await this.isWhole(present, entry));
      if (!isWhole) return this.planAnew(plan, found);
      tally.unchangedBytes(entry.sizeBytes);
      return this.isThere(plan, 'unchanged', place);
    }
    let differs = Number(found.size) !== entry.sizeBytes;
    const open = (): RestoredFile => writer.openFile(place.parent, place.name, entry.sizeBytes, REPLACED_BY_RENAME);
    const file = this.begin(writer, plan, open, 'updated');
    const compare = async (descriptor: number): Promise<ProtocolError | null> => {
      const kept = isDry ? null : new KeptParts(file, descriptor, request.signal);
      if (differs) await kept?.differ();
      return this.planChunks(file, entry, async (offset, chunk) => {
        const bytes = await this.content.findAt(descriptor, offset, chunk);
        if (bytes === null) {
          differs = true;
          await kept?.differ();
          return false;
        }
        tally.unchangedBytes(chunk.rawBytes);
        await kept?.keep(bytes, offset);
        return true;
      });
    };
    const failure = await writer.readFile(place, place.identity, compare).catch((error: unknown) => {
      if (!isAboutOneEntry(error)) throw error;
      return error;
    });
    if (failure === null && !differs) return this.leaveAsItIs(plan, present, true);
    if (!isDry) return file.expectNoMore(failure);
    if (failure !== null) throw failure;
    this.isThere(plan, 'updated', null);
  }

  private async isWhole({ writer, place }: PresentFile, entry: FileEntry): Promise<boolean> {
    const { signal } = this.run.request;
    return writer.readFile(place, place.identity, (descriptor) => this.content.isWhole(descriptor, entry, signal));
  }

  /** The bytes are right; the rest is set where it differs or cannot be seen. */
  private async leaveAsItIs(plan: FilePlan, { writer, place, found }: PresentFile, isCounted = false): Promise<void> {
    const { request, tally } = this.run;
    if (request.dryRun !== true && isOwnAlone(found)) {
      await writer.describeFile(place, place.identity, plan.entry);
    }
    if (!isCounted) tally.unchangedBytes(plan.entry.sizeBytes);
    this.isThere(plan, 'unchanged', place);
  }

  private begin(
    writer: RestoreWriter,
    plan: FilePlan,
    open: () => RestoredFile,
    action: 'restored' | 'updated',
  ): RestoringFile {
    const { place, path, entry } = plan;
    this.window.addFile();
    const onEnd = (failure: Error | null, identity: string): void => {
      if (failure === null) {
        this.isThere(plan, action, { parent: place as TargetDirectory, name: Buffer.from(entry.name), identity });
        return;
      }
      this.run.tally.passOver(path, failure);
      this.notThere(plan);
    };
    return new RestoringFile(writer, open, entry, onEnd, path);
  }

  /**
   * Put the chunks of a file into the window, but those that are there.
   *
   * returns   what makes the file impossible to restore, null when every chunk has a place
   */
  private async planChunks(
    file: RestoringFile,
    entry: FileEntry,
    isThere: (offset: number, chunk: ReturnType<RestoreRun['parts']['trees']['locate']>['entry']) => Promise<boolean>,
  ): Promise<ProtocolError | null> {
    const { parts, request, tally } = this.run;
    let offset = 0;
    try {
      for await (const id of parts.trees.contentOf(entry, request.signal)) {
        const location = parts.trees.locate(id);
        if (!(await isThere(offset, location.entry))) {
          if (request.dryRun === true) tally.counts.bytes += location.entry.rawBytes;
          else {
            file.expectChunk();
            this.window.add(location, file, offset);
          }
        }
        offset += location.entry.rawBytes;
        if (this.window.isFull) await this.writeWindow();
      }
    } catch (error) {
      if (!isLossOfData(error)) throw error;
      return error;
    }
    return offset === entry.sizeBytes ? null : new ProtocolError('snapshot_damaged', { reason: 'size of a file' });
  }

  /** Give a whole file the name of a plan. */
  private link(from: LinkablePlace, plan: FilePlan): void {
    const { place, path, entry } = plan;
    const { writer, request, tally } = this.run;
    const { decision, found } = inspectPlace(this.run, place, entry);
    if (decision === 'keep') {
      tally.kept('file', path);
      return;
    }
    if (found !== null && `${found.dev}.${found.ino}` === from.identity) {
      this.countLink(plan, 'unchanged');
      return;
    }
    if (request.dryRun !== true && writer !== null && place !== 'absent') {
      const makeRoom = roomFor(this.run, place, entry, found);
      try {
        writer.linkFile(from, { parent: place, name: checkedName(entry.name) }, makeRoom);
      } catch (error) {
        // The disk has no links, or no more of them, or the first one was moved away: the bytes are in the snapshot.
        if (!isRefusal(error, 'local_disk') || !isAboutOneEntry(error)) throw error;
        this.again.push({ ...plan, isCopy: true });
        return;
      }
    }
    this.countLink(plan, found === null ? 'restored' : 'updated');
  }

  private countLink({ path }: FilePlan, action: 'restored' | 'updated' | 'unchanged'): void {
    this.run.tally.counts.hardLinks++;
    this.run.tally.file(action, path, 0);
  }

  /** place   null in a dry run */
  private isThere(plan: FilePlan, action: 'restored' | 'updated' | 'unchanged', place: LinkablePlace | null): void {
    const { tally, request } = this.run;
    tally.file(action, plan.path, plan.entry.sizeBytes);
    if (place === null) return;
    if (request.verify === true && request.dryRun !== true) this.toVerify.push({ plan, place });
    for (const waiting of this.links.arrived(plan.entry, place)) {
      try {
        this.link(place, waiting);
      } catch (error) {
        tally.passOver(waiting.path, error);
      }
    }
  }

  private notThere({ entry }: FilePlan): void {
    this.again.push(...this.links.failed(entry));
  }

  private async writeWindow(): Promise<void> {
    await this.fetches.write(this.window);
    const written = this.toVerify;
    this.toVerify = [];
    for (const { plan, place } of written) await this.verify(plan, place);
  }

  private async verify({ path, entry }: FilePlan, place: LinkablePlace): Promise<void> {
    const { writer, tally, request } = this.run;
    try {
      const isWhole = await writer?.readFile(place, place.identity, (descriptor) =>
        this.content.isWhole(descriptor, entry, request.signal),
      );
      if (isWhole !== true) throw new ProtocolError('file_mismatch');
      tally.counts.verified++;
    } catch (error) {
      if (!isAboutOneEntry(error)) throw error;
      tally.passOver(path, error);
    }
  }

  /** Null when nothing is there, or what is no file. */
  private presentFile({ place, entry }: FilePlan, found: BigIntStats | null): PresentFile | null {
    const { writer } = this.run;
    if (found === null || !found.isFile() || place === 'absent' || writer === null) return null;
    const identity = `${found.dev}.${found.ino}`;
    return { writer, place: { parent: place, name: Buffer.from(entry.name), identity }, found };
  }

  private mayDescribe({ writer, found }: PresentFile, entry: FileEntry): boolean {
    return isOwnAlone(found) || isAsDescribed(writer, found, entry);
  }
}

/** Whether it may be described: another name of the file could lie outside, and what is of somebody else stays as it is. */
function isOwnAlone(found: BigIntStats): boolean {
  return found.nlink === 1n && isAllowed(found, 0o600);
}

function canRead(found: BigIntStats): boolean {
  return isAllowed(found, 0o400) || Number(found.uid) !== process.geteuid?.();
}

/** Whether this user is root, or owns a file whose mode lets its owner do this. */
function isAllowed({ mode, uid }: BigIntStats, bits: number): boolean {
  const ownId = process.geteuid?.();
  if (ownId === undefined || ownId === 0) return true;
  return Number(uid) === ownId && (Number(mode) & bits) === bits;
}

/** As far as lstat tells. */
function isAsDescribed(writer: RestoreWriter, found: BigIntStats, entry: FileEntry): boolean {
  const isOwned = !writer.restoresOwner || (Number(found.uid) === entry.uid && Number(found.gid) === entry.gid);
  const modeSeen = writer.restoresOwner ? 0o7777 : 0o777;
  return (
    isOwned &&
    (Number(found.mode) & modeSeen) === (entry.mode & modeSeen) &&
    found.mtimeNs === entry.mtimeNs &&
    Number(found.size) === entry.sizeBytes
  );
}
