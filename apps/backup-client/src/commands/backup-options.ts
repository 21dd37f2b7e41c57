// What the options of `peerkeep backup` mean: lists read from their files, sizes and times parsed.
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import {
  type BackupWish,
  CACHE_TAG,
  expandGlob,
  expandVariables,
  linesOfListFile,
  linesOfVerbatimFile,
  parseSpan,
  parseTagFile,
  parseTags,
  pathsOfRawFile,
  textOfListFile,
} from '#backup';
import { durabilityField, type GroupId, groupIdField, ProtocolError, REGIONS_WISHED_MAX, regionField } from '#protocol';
import { parseByteCount } from '../parse-amounts.js';
import type { CommandContext, CommonOptions } from './command-context.js';

/** As commander collects them. */
export interface BackupOptions extends CommonOptions {
  readonly exclude: readonly string[];
  readonly iexclude: readonly string[];
  readonly excludeFile: readonly string[];
  readonly iexcludeFile: readonly string[];
  readonly excludeCaches?: boolean;
  readonly excludeIfPresent: readonly string[];
  readonly excludeLargerThan?: string;
  readonly oneFileSystem?: boolean;
  readonly filesFrom: readonly string[];
  readonly filesFromVerbatim: readonly string[];
  readonly filesFromRaw: readonly string[];
  readonly stdin?: boolean;
  readonly stdinFilename: string;
  readonly tag: readonly string[];
  readonly host?: string;
  readonly time?: string;
  readonly parent?: string;
  readonly force?: boolean;
  readonly ignoreCtime?: boolean;
  readonly ignoreInode?: boolean;
  readonly dryRun?: boolean;
  readonly retain?: string;
  readonly durability?: string;
  readonly region: readonly string[];
  readonly group?: string;
  readonly scan: boolean;
}

/**
 * What the engine is asked for.
 *
 * paths    as given on the command line, from the working folder
 * throws   usage for options that contradict each other or cannot be read; local_disk for a list that cannot be
 */
export async function wishOf(
  context: CommandContext,
  paths: readonly string[],
  options: BackupOptions,
): Promise<BackupWish> {
  const rules = await rulesOf(context, options);
  const timeMs = options.time === undefined ? undefined : parseTimeOption(options.time);
  return {
    ...rules,
    ...(await sourceOf(context, paths, options)),
    ...(options.force === true
      ? { parent: 'none' }
      : options.parent !== undefined && { parent: { snapshot: options.parent } }),
    ...(options.host !== undefined && { hostname: options.host }),
    ...(timeMs !== undefined && { timeMs }),
    ...(options.retain !== undefined && { retain: parseSpan(options.retain) }),
    ...(options.durability !== undefined && { durability: parseDurability(options.durability) }),
    ...(options.region.length > 0 && { regions: parseRegions(options.region) }),
    ...(options.group !== undefined && { group: parseGroup(options.group) }),
    tags: options.tag.flatMap(parseTags).filter((tag) => tag !== ''),
    ignoreCtime: options.ignoreCtime ?? false,
    ignoreInode: options.ignoreInode ?? false,
    dryRun: options.dryRun ?? false,
    scan: options.scan && context.terminal.mode !== 'none',
  };
}

async function rulesOf(
  context: CommandContext,
  options: BackupOptions,
): Promise<
  Pick<BackupWish, 'excludes' | 'excludesIgnoringCase' | 'excludeIfPresent' | 'fileBytesMax' | 'oneFileSystem'>
> {
  const patternsOf = async (files: readonly string[]): Promise<string[]> => {
    const texts = await Promise.all(files.map((file) => readText(context, file)));
    return texts.flatMap(linesOfListFile).map((line) => expandVariables(line, context.environment));
  };
  return {
    excludes: [...options.exclude, ...(await patternsOf(options.excludeFile))],
    excludesIgnoringCase: [...options.iexclude, ...(await patternsOf(options.iexcludeFile))],
    excludeIfPresent: [
      ...(options.excludeCaches === true ? [CACHE_TAG] : []),
      ...options.excludeIfPresent.map(parseTagFile),
    ],
    fileBytesMax: options.excludeLargerThan === undefined ? null : parseByteCount(options.excludeLargerThan),
    oneFileSystem: options.oneFileSystem ?? false,
  };
}

async function sourceOf(
  context: CommandContext,
  paths: readonly string[],
  options: BackupOptions,
): Promise<Pick<BackupWish, 'paths' | 'source'>> {
  const { filesFrom, filesFromVerbatim, filesFromRaw } = options;
  const lists = [...filesFrom, ...filesFromVerbatim, ...filesFromRaw];
  if (options.stdin === true) {
    if (paths.length + lists.length > 0) throw usage('--stdin takes no paths and no lists of paths');
    return { paths: [], source: { name: options.stdinFilename, stream: context.stdin } };
  }
  if (lists.filter((file) => file === '-').length > 1) throw usage('stdin can be read once only');

  const found = [
    ...paths,
    ...(await textsOf(context, filesFrom)).flatMap(linesOfListFile).flatMap((line) => expandOrWarn(context, line)),
    ...(await textsOf(context, filesFromVerbatim)).flatMap(linesOfVerbatimFile),
    ...(await Promise.all(filesFromRaw.map((file) => readBytes(context, file)))).flatMap(pathsOfRawFile),
  ];
  if (found.length === 0) throw usage('nothing to back up: give files or folders');
  return { paths: found };
}

function textsOf(context: CommandContext, files: readonly string[]): Promise<string[]> {
  return Promise.all(files.map((file) => readText(context, file)));
}

function expandOrWarn({ terminal }: CommandContext, line: string): string[] {
  const found = expandGlob(line);
  if (found.length === 0) terminal.warn(`the pattern ${line} matches no file: passed over`);
  return found;
}

async function readText(context: CommandContext, file: string): Promise<string> {
  return textOfListFile(await readBytes(context, file));
}

async function readBytes({ stdin }: CommandContext, file: string): Promise<Buffer> {
  try {
    return file === '-' ? await buffer(stdin) : await readFile(file);
  } catch (cause) {
    throw new ProtocolError('usage', { file }, { cause, detail: 'the list cannot be read' });
  }
}

/** Unix ms of `2026-11-21 18:00:00` or `2026-11-21` in this machine's zone, of RFC 3339; undefined for `now`. throws usage */
export function parseTimeOption(text: string): number | undefined {
  if (text === 'now') return undefined;
  const local = /^(\d{4}-\d{2}-\d{2})(?: (\d{2}:\d{2}(?::\d{2})?))?$/.exec(text);
  const ms = Date.parse(local === null ? text : `${local[1]}T${local[2] ?? '00:00:00'}`);
  const isDated = /^\d{4}-\d{2}-\d{2}/.test(text);
  if (!isDated || Number.isNaN(ms)) throw usage(`${text} is no time: write 2026-11-21 18:00:00`);
  return ms;
}

/** Whether the broker has it, the broker says. throws usage */
function parseDurability(text: string): string {
  if (durabilityField.safeParse(text).success) return text;
  throw usage(`${text} is no durability class: write second-copy or archive`);
}

/** throws usage */
function parseRegions(texts: readonly string[]): string[] {
  const regions = [...new Set(texts.flatMap((text) => text.split(',')))];
  const wrong = regions.find((region) => !regionField.safeParse(region).success);
  if (wrong !== undefined) throw usage(`${wrong} is no region: write what hosts say, as eu or de-berlin`);
  if (regions.length > REGIONS_WISHED_MAX) throw usage(`more than ${REGIONS_WISHED_MAX} regions`);
  return regions;
}

/** throws usage */
function parseGroup(text: string): GroupId {
  const group = groupIdField.safeParse(text);
  if (group.success) return group.data;
  throw usage(`${text} is no id of a group`);
}

function usage(detail: string): ProtocolError {
  return new ProtocolError('usage', {}, { detail });
}
