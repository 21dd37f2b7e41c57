// The units are what systemd understands: any path comes out of its quoting as it went in, and systemd-analyze agrees.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseClientConfig } from '#backup';
import { backupUnits, unitNamesOf, warningUnits } from './schedule-units.js';
import { quoteArgument, serviceUnit, timerUnit } from './unit-files.js';

const run = promisify(execFile);

const HARD = `/home/me/a b/"q"/'s'/\\back/$HOME/\${X}/%h/%%/tab\there/new\nline/漢字/é/-x;y`;
const place = {
  homePath: '/home/me/.local/share/peerkeep',
  isDefaultHome: true,
  program: ['/usr/bin/node', '/opt/main.js'],
};
const [set] = parseClientConfig({
  backups: [
    { name: 'home', paths: ['/home/me'], schedule: { every: 'weekly', on: 'monday', at: '03:30', jitterMinutes: 20 } },
  ],
}).backups;

/** What systemd makes of one quoted argument: as of a word of Environment=, and then variables (systemd.service(5)). */
function unquote(quoted: string): string {
  return unquoteEnvironment(quoted).replaceAll('$$', '$');
}

/** What systemd makes of one quoted word: C escapes, then specifiers (systemd.exec(5)). */
function unquoteEnvironment(quoted: string): string {
  expect(quoted).toMatch(/^".*"$/s);
  return quoted
    .slice(1, -1)
    .replaceAll(/\\x([0-9a-f]{2})|\\(.)/g, (_all, hex: string | undefined, plain: string) =>
      hex === undefined ? plain : String.fromCharCode(Number.parseInt(hex, 16)),
    )
    .replaceAll('%%', '%');
}

describe('a unit', () => {
  it('starts the program with its home by absolute paths, gently, and catches up what was missed', () => {
    const [service, timer] = backupUnits(set!, place);
    expect(service!.name).toBe('peerkeep-backup-home.service');
    for (const line of [
      'ExecStart="/usr/bin/node" "/opt/main.js" "schedule" "run" "home" "--home" "/home/me/.local/share/peerkeep"',
      'Environment="PEERKEEP_HOME=/home/me/.local/share/peerkeep"',
      'SuccessExitStatus=3',
      'Nice=10',
      'IOSchedulingClass=idle',
    ]) {
      expect(service!.text.split('\n')).toContain(line);
    }
    for (const line of [
      'OnCalendar=Mon *-*-* 03:30:00',
      'RandomizedDelaySec=1200',
      'Persistent=true',
      'WantedBy=timers.target',
    ]) {
      expect(timer!.text.split('\n')).toContain(line);
    }
  });

  it('of another home has a name of its own', () => {
    const elsewhere = { ...place, homePath: '/srv/two', isDefaultHome: false };
    expect(unitNamesOf('home', elsewhere).timer).toMatch(/^peerkeep-backup-home-[0-9a-f]{8}\.timer$/);
    expect(unitNamesOf('home', elsewhere)).not.toEqual(unitNamesOf('home', { ...elsewhere, homePath: '/srv/three' }));
  });

  it('quotes any argument so that it is on one line and comes out as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(!text.includes('\0'));
        const quoted = quoteArgument(text);
        expect(quoted).not.toMatch(/[\n\r]/);
        expect(unquote(quoted)).toBe(text);
      }),
    );
    expect(unquote(quoteArgument(HARD))).toBe(HARD);
  });

  /** Texts with the characters by which one line becomes two, or a specifier, more often than chance has them. */
  const nasty = fc
    .array(
      fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\n', '\r', '\\', '%', '%h', '"', '\u0085', '\nUnit=x')),
    )
    .map((pieces) => pieces.join('').replaceAll('\0', ''));
  const settingOf = (text: string, name: string): string => {
    const lines = text.split(/[\n\r]/).filter((line) => line.startsWith(`${name}=`));
    expect(lines).toHaveLength(1);
    return lines[0]!.slice(name.length + 1);
  };
  const namesOf = (text: string): string[] => text.split(/[\n\r]/).map((line) => line.split('=')[0]!);

  it('has the same lines whatever its description, its calendar event and its environment are', () => {
    const request = { command: ['/bin/true'], alsoFine: [3] };
    const plainService = serviceUnit({ ...request, description: 'd', environment: { HOME_OF: 'h' } });
    const plainTimer = timerUnit({ description: 'd', onCalendar: 'daily', jitterSeconds: 1 });
    fc.assert(
      fc.property(nasty, nasty, (one, other) => {
        const service = serviceUnit({ ...request, description: one, environment: { HOME_OF: other } });
        expect(namesOf(service)).toEqual(namesOf(plainService));
        expect(unquoteEnvironment(settingOf(service, 'Environment'))).toBe(`HOME_OF=${other}`);
        const timer = timerUnit({ description: one, onCalendar: other, jitterSeconds: 1 });
        expect(namesOf(timer)).toEqual(namesOf(plainTimer));
        for (const value of [
          settingOf(service, 'Description'),
          settingOf(timer, 'Description'),
          settingOf(timer, 'OnCalendar'),
        ]) {
          expect(value.replaceAll('%%', '')).not.toMatch(/[%\\\p{Cc}]/u);
        }
      }),
    );
  });

  it('has every calendar event that the configuration takes just as it was written', () => {
    const words = fc.array(
      fc.constantFrom('Mon', '..', 'Fri', ' ', '*', '-', '12:00', ',', '/', '\n', '%', '\\', 'UTC', '~'),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          nasty,
          words.map((list) => list.join('')),
        ),
        (onCalendar) => {
          const document = { backups: [{ name: 'a', paths: ['/a'], schedule: { onCalendar } }] };
          let taken: ReturnType<typeof parseClientConfig>;
          try {
            taken = parseClientConfig(document);
          } catch (error) {
            expect(error).toMatchObject({ code: 'config_invalid' });
            return;
          }
          const [, timer] = backupUnits(taken.backups[0]!, place);
          expect(settingOf(timer!.text, 'OnCalendar')).toBe(onCalendar);
        },
      ),
    );
  });
});

describe('systemd', () => {
  /** What it has against them. Without systemd-analyze this fails: .ci/run installs it. */
  async function verify(units: readonly { name: string; text: string }[]): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'peerkeep-units-'));
    try {
      for (const { name, text } of units) await writeFile(join(folder, name), text);
      const paths = units.map(({ name }) => join(folder, name));
      const env = { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:`, XDG_RUNTIME_DIR: folder };
      const answer = await run('systemd-analyze', ['verify', '--user', '--man=no', ...paths], { env }).catch(
        (error: { code: unknown; stderr: string; stdout: string }) => {
          if (error.code === 'ENOENT') throw new Error('systemd-analyze is missing: install systemd', { cause: error });
          return error;
        },
      );
      // It also judges units of the machine that are none of ours.
      return `${answer.stdout}${answer.stderr}`
        .split('\n')
        .filter((line) => line.includes('peerkeep-'))
        .join('\n');
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  it('accepts the units of an ordinary home and of an odd one', async () => {
    const ordinary = { ...place, program: [process.execPath, '/opt/main.js'] };
    const odd = { homePath: HARD, isDefaultHome: false, program: [process.execPath, `${HARD}/main.js`] };
    for (const where of [ordinary, odd]) {
      expect(await verify([...backupUnits(set!, where), ...warningUnits(where)])).toBe('');
    }
  }, 60_000);

  it('would tell of a calendar event that is none', async () => {
    const broken = { ...set!, schedule: { onCalendar: 'every blue moon', jitterMinutes: 0 } };
    const answer = await verify(backupUnits(broken, { ...place, program: [process.execPath] }));
    expect(answer).toContain('every blue moon');
  }, 60_000);
});
