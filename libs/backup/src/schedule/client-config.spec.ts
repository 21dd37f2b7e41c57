// The configuration of a machine's own backups: defaults that are safe, and faults that name their place.
import { chmod, mkdir, mkdtemp, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProtocolError } from '#protocol';
import { configPathOf, parseClientConfig, readClientConfig, writeClientConfig } from './client-config.js';

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'peerkeep-config-'));
  await mkdir(join(home, 'client'));
});
afterEach(() => rm(home, { recursive: true }));

const set = { name: 'default', paths: ['/home/me'] };

/** What is wrong, in words. */
function faultOf(document: unknown): string {
  try {
    parseClientConfig(document);
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'config_invalid') return error.message;
    throw error;
  }
  return 'none';
}

describe('a configuration', () => {
  it('is all defaults where there is none', async () => {
    expect(await readClientConfig(home)).toMatchObject({ backups: [], overdueDays: 7, agentRunsBackups: false });
  });

  it('is read as it was written', async () => {
    const config = parseClientConfig({
      backups: [
        {
          ...set,
          excludes: ['*.tmp'],
          schedule: { every: 'weekly', on: 'monday', at: '03:00' },
          retention: { keepDaily: 7 },
        },
      ],
      limits: { limitUpload: 500, schedule: [{ from: '22:00', to: '06:00', limitUpload: 0 }] },
      hooks: { onOverdue: ['/usr/bin/notify-send', 'late'], webhook: 'https://example.org/x' },
    });
    await writeClientConfig(home, config);
    expect(await readClientConfig(home)).toEqual(config);
  });

  it.each<[string, unknown, string]>([
    ['a member that nobody knows', { backup: [] }, 'backup'],
    ['a path that is not absolute', { backups: [{ ...set, paths: ['me'] }] }, 'backups.0.paths'],
    ['no paths', { backups: [{ ...set, paths: [] }] }, 'backups.0.paths'],
    ['a name that cannot be the name of a unit', { backups: [{ ...set, name: 'My Files' }] }, 'backups.0.name'],
    ['two backups of one name', { backups: [set, set] }, 'backups'],
    ['a time that is none', { backups: [{ ...set, schedule: { at: '25:00' } }] }, 'backups.0.schedule.at'],
    ['a day of a daily backup', { backups: [{ ...set, schedule: { on: 'monday' } }] }, 'backups.0.schedule'],
    [
      'two ways to say when',
      { backups: [{ ...set, schedule: { onCalendar: 'daily', at: '02:00' } }] },
      'backups.0.schedule',
    ],
    ...['', ':', ':header', 'a/b', '.', '..:x'].map((name): [string, unknown, string] => [
      `excludeIfPresent "${name}", which would leave out everything`,
      { backups: [{ ...set, excludeIfPresent: [name] }] },
      'backups.0.excludeIfPresent.0',
    ]),
    ...['a,b', ' a', 'a ', ''].map((tag): [string, unknown, string] => [
      `a tag "${tag}" that no command can name`,
      { backups: [{ ...set, tags: [tag] }] },
      'backups.0.tags.0',
    ]),
    ['a span that is none', { backups: [{ ...set, retention: { keepWithin: 'a year' } }] }, 'retention.keepWithin'],
    ...['daily\nUnit=evil.service', 'daily\r', 'daily\u0085x', 'daily\\', '%h', 'daily\t'].map(
      (onCalendar): [string, unknown, string] => [
        `a calendar event ${JSON.stringify(onCalendar)} that is more than one`,
        { backups: [{ ...set, schedule: { onCalendar } }] },
        'backups.0.schedule.onCalendar',
      ],
    ),
    ['a webhook without TLS', { hooks: { webhook: 'http://example.org/' } }, 'hooks.webhook'],
    ['a webhook with a password', { hooks: { webhook: 'https://me:pw@example.org/' } }, 'hooks.webhook'],
    ['a hook that is a line for a shell', { hooks: { onFailure: 'mail me' } }, 'hooks.onFailure'],
    ['a negative limit', { limits: { limitUpload: -1 } }, 'limits.limitUpload'],
    ['a later version', { version: 2 }, 'version'],
  ])('with %s is refused, and the place is named', (_what, document, place) => {
    expect(faultOf(document)).toContain(place);
  });

  it('names all faults at once', () => {
    const fault = faultOf({ overdueDays: 'x', limits: { limitDownload: 'y' } });
    expect(fault).toContain('overdueDays');
    expect(fault).toContain('limits.limitDownload');
  });

  it.each(['Mon..Fri 12:00', '*-*-* 00/6:30:00', 'Sat,Sun 2026-*-01..07 03:00 Europe/Berlin', 'weekly', 'Mon *-05~03'])(
    'takes the calendar event %s',
    (onCalendar) => {
      expect(parseClientConfig({ backups: [{ ...set, schedule: { onCalendar } }] }).backups[0]!.schedule).toMatchObject(
        {
          onCalendar,
        },
      );
    },
  );

  it.each([0o620, 0o602, 0o666, 0o664])(
    'that others can write is refused: it names programs (mode %o)',
    async (mode) => {
      await writeClientConfig(home, parseClientConfig({ hooks: { onFailure: ['/bin/true'] } }));
      await chmod(configPathOf(home), mode);
      await expect(readClientConfig(home)).rejects.toMatchObject({ code: 'config_exposed' });
      await chmod(configPathOf(home), 0o644);
      expect((await readClientConfig(home)).hooks.onFailure).toEqual(['/bin/true']);
    },
  );

  it('that is a link, or a folder, or of another person, is refused', async () => {
    const elsewhere = join(home, 'elsewhere.json');
    await writeClientConfig(home, parseClientConfig({}));
    await rename(configPathOf(home), elsewhere);
    await symlink(elsewhere, configPathOf(home));
    await expect(readClientConfig(home)).rejects.toMatchObject({ code: 'config_exposed' });
    await rm(configPathOf(home));
    await mkdir(configPathOf(home));
    await expect(readClientConfig(home)).rejects.toMatchObject({ code: 'config_exposed' });
  });

  it('is written so that nobody else can read or write it', async () => {
    await writeClientConfig(home, parseClientConfig({}));
    expect((await stat(configPathOf(home))).mode & 0o777).toBe(0o600);
  });

  it('that is no JSON is refused', async () => {
    await writeFile(configPathOf(home), '{ "backups": [ }');
    await expect(readClientConfig(home)).rejects.toMatchObject({ code: 'config_invalid' });
  });

  it.each(['http://127.0.0.1:8080/x', 'http://[::1]/', 'http://localhost/', 'https://example.org/hook?a=b'])(
    'may post to %s',
    (webhook) => {
      expect(parseClientConfig({ hooks: { webhook } }).hooks.webhook).toBe(webhook);
    },
  );
});
