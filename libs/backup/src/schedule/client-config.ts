// client/config.json: what this machine backs up by itself, when, what it keeps, its limits, and whom it warns.
import { join } from 'node:path';
import { z } from 'zod';
import { BYTES_PER_SECOND_LIMIT_MIN } from '#peer-link';
import { isWebhookUrl, readTrustedFile, writeFileDurably } from '#process';
import { durabilityField, hostWishes, isRefusal, ProtocolError } from '#protocol';
import { parseTagFile } from '../files/tag-file.js';
import { parseSpan } from '../forget/forget-policy.js';
import { parseTags } from '../snapshots/parse-tags.js';
import { parseCadence, WEEKDAYS } from './cadence.js';
import {
  CONFIG_BYTES_MAX,
  HOOK_SECONDS_DEFAULT,
  HOOK_SECONDS_MAX,
  LIST_MAX,
  OVERDUE_DAYS_DEFAULT,
  SETS_MAX,
} from './limits.js';

const text = z
  .string()
  .min(1)
  .max(4_096)
  .refine((value) => !value.includes('\0'), 'holds a NUL');
const texts = z.array(text).max(LIST_MAX);
const count = z.int().min(0).max(1_000_000);
const timeOfDay = z.string().regex(/^([01]?\d|2[0-3]):[0-5]\d$/, 'is no time of day like 02:30');
const weekday = z.enum(WEEKDAYS);
/** The lowest limit that there can be, KiB per second: hosts end transfers that are slower than half of it. */
export const LIMIT_KIB_MIN = BYTES_PER_SECOND_LIMIT_MIN / 1024;
/** KiB per second, as `--limit-upload` and restic's have it; 0 is none. */
const kibPerSecond = z
  .int()
  .min(0)
  .max(1_000_000_000)
  .refine((kib) => kib <= 0 || kib >= LIMIT_KIB_MIN, `is below ${LIMIT_KIB_MIN} KiB/s and not 0`);

/** What the command line takes for the same thing, judged by the parser that it has. */
const parsedBy =
  (parse: (value: string) => unknown) =>
  (value: string, context: z.RefinementCtx): void => {
    try {
      parse(value);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
    }
  };
const tagFile = text.superRefine(parsedBy(parseTagFile));
/** One tag, which a list of tags on the command line can name. */
const tag = text.max(255).refine((value) => parseTags(value).join() === value && !value.includes(','), {
  error: 'is no tag: it holds a comma, or a space at an end',
});
/** It becomes a line of a unit: the characters that systemd.time(7) has for it, and no others. */
const calendarEvent = text.regex(/^[\w*,./:~+@ -]+$/, 'is no calendar event of systemd');

const scheduleSchema = z
  .strictObject({
    every: z.enum(['hourly', 'daily', 'weekly']).optional(),
    at: timeOfDay.optional(),
    on: weekday.optional(),
    /** In systemd's words, instead of the three above; the agent cannot follow it. */
    onCalendar: calendarEvent.optional(),
    /** A run begins up to so much later, so that not everybody comes at once. */
    jitterMinutes: z.int().min(0).max(1_440).default(15),
  })
  .refine(({ onCalendar, every, at, on }) => onCalendar === undefined || (every ?? at ?? on) === undefined, {
    error: 'has onCalendar beside every, at or on',
  })
  .refine(({ every, on }) => on === undefined || every === 'weekly', { error: 'has a day without "every": "weekly"' });

/** restic's --keep-* options; 0 keeps none by that rule. */
const retentionSchema = z.strictObject({
  keepLast: count.optional(),
  keepHourly: count.optional(),
  keepDaily: count.optional(),
  keepWeekly: count.optional(),
  keepMonthly: count.optional(),
  keepYearly: count.optional(),
  keepWithin: text.superRefine(parsedBy(parseSpan)).optional(),
  keepTags: texts.default([]),
  prune: z.boolean().default(true),
});

const setSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/, 'is no name of lower-case letters, digits, hyphens'),
  paths: texts.min(1).refine((paths) => paths.every((path) => path.startsWith('/')), 'has a path that is not absolute'),
  excludes: texts.default([]),
  iexcludes: texts.default([]),
  excludeCaches: z.boolean().default(false),
  /** NAME or NAME:HEADER, as `--exclude-if-present` has it. */
  excludeIfPresent: z.array(tagFile).max(LIST_MAX).default([]),
  /** Larger files are left out. */
  excludeLargerThanBytes: z.int().min(1).optional(),
  oneFileSystem: z.boolean().default(false),
  tags: z.array(tag).max(64).default([]),
  /** How what is new is kept, and by which hosts: as `--durability`, `--region` and `--group` have it. */
  durability: durabilityField.optional(),
  ...hostWishes.shape,
  schedule: scheduleSchema.optional(),
  retention: retentionSchema.optional(),
});

const limitsSchema = z.strictObject({
  limitUpload: kibPerSecond.default(0),
  limitDownload: kibPerSecond.default(0),
  /**
   * Other limits at some hours; the first that fits counts. `to` at or before `from` is of the next day; `days` are those on
   * which the hours begin.
   */
  schedule: z
    .array(
      z.strictObject({
        days: z.array(weekday).min(1).max(7).optional(),
        from: timeOfDay,
        to: timeOfDay,
        limitUpload: kibPerSecond.optional(),
        limitDownload: kibPerSecond.optional(),
      }),
    )
    .max(64)
    .default([]),
});

const argv = z.array(text).min(1).max(64);

const hooksSchema = z.strictObject({
  /** Program and arguments; no shell reads them. What happened is in PEERKEEP_* variables. */
  onOverdue: argv.optional(),
  onFailure: argv.optional(),
  webhook: text.refine(isWebhookUrl, 'is no https:// address (http:// on loopback only)').optional(),
  timeoutSeconds: z.int().min(1).max(HOOK_SECONDS_MAX).default(HOOK_SECONDS_DEFAULT),
});

const configSchema = z.strictObject({
  version: z.literal(1).default(1),
  backups: z
    .array(setSchema)
    .max(SETS_MAX)
    .refine((sets) => new Set(sets.map(({ name }) => name)).size === sets.length, 'has two backups of one name')
    .default([]),
  /** The agent of this home runs the backups at their times, where no systemd timer does. */
  agentRunsBackups: z.boolean().default(false),
  limits: limitsSchema.prefault({}),
  overdueDays: z.number().min(0.01).max(3_650).default(OVERDUE_DAYS_DEFAULT),
  hooks: hooksSchema.prefault({}),
});

export type ClientConfig = z.infer<typeof configSchema>;
export type BackupSet = ClientConfig['backups'][number];
export type Retention = NonNullable<BackupSet['retention']>;
export type LimitsConfig = ClientConfig['limits'];
export type HooksConfig = ClientConfig['hooks'];
export type ScheduleConfig = NonNullable<BackupSet['schedule']>;

export function configPathOf(homePath: string): string {
  return join(homePath, 'client', 'config.json');
}

/**
 * Check a configuration. Pure.
 *
 * throws   config_invalid, naming every member that is wrong
 */
export function parseClientConfig(document: unknown, path = 'config.json'): ClientConfig {
  const parsed = configSchema.safeParse(document);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the document'}: ${issue.message}`);
    throw new ProtocolError('config_invalid', { path }, { detail: faults.join('; ') });
  }
  for (const { schedule } of parsed.data.backups) if (schedule?.onCalendar === undefined) parseCadence(schedule ?? {});
  return parsed.data;
}

/** The configuration of a home; defaults where there is none. throws config_invalid | config_exposed | local_disk */
export async function readClientConfig(homePath: string): Promise<ClientConfig> {
  const path = configPathOf(homePath);
  const bytes = await readTrustedFile(path).catch((error: NodeJS.ErrnoException) => {
    if (isRefusal(error)) throw error;
    throw new ProtocolError('local_disk', { path, errno: error.code ?? '' }, { cause: error });
  });
  if (bytes === null) return parseClientConfig({});
  if (bytes.length > CONFIG_BYTES_MAX) throw new ProtocolError('config_invalid', { path }, { detail: 'too long' });
  try {
    return parseClientConfig(JSON.parse(bytes.toString()), path);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ProtocolError('config_invalid', { path }, { cause: error, detail: `no JSON: ${error.message}` });
  }
}

/** Write the configuration, checked, whole or not at all. */
export async function writeClientConfig(homePath: string, config: ClientConfig): Promise<void> {
  const checked = parseClientConfig(config);
  await writeFileDurably(configPathOf(homePath), `${JSON.stringify(checked, null, 2)}\n`);
}
