// What a person at a terminal sees while a call runs, what a log gets, and what a program reads.
import { beforeEach, describe, expect, it } from 'vitest';
import type { ProgressEvent } from '#backup';
import { FakeClock } from '#process';
import { RecordedOutput } from '../../../../test/recorded-output.js';
import { EventTeller } from '../tell-event.js';
import { type OutputOptions, Terminal } from '../terminal.js';
import { Screen } from './testing/screen.js';
import { widthOf } from './text-width.js';

const MiB = 1024 * 1024;

let clock: FakeClock;
let stdout: RecordedOutput;

beforeEach(() => {
  clock = new FakeClock(0);
  stdout = new RecordedOutput();
});

function open<T extends RecordedOutput | Screen>(stderr: T, options: OutputOptions = {}) {
  const terminal = new Terminal(stdout, stderr, clock);
  terminal.useOutput(options);
  return { stderr, terminal, teller: new EventTeller(terminal) };
}

/** 10 MiB a second of 100 MiB, half of it new, at second `second`. */
function progressAt(second: number, more: Partial<ProgressEvent> = {}): ProgressEvent {
  return {
    kind: 'progress',
    filesDone: second * 100,
    filesTotal: 1_000,
    bytesDone: second * 10 * MiB,
    bytesTotal: 100 * MiB,
    bytesNew: second * 5 * MiB,
    bytesPacked: second * 4 * MiB,
    bytesStored: second * 6 * MiB,
    hosts: 6,
    path: '/home/me/file',
    ...more,
  };
}

function runFor(teller: EventTeller, seconds: number, more: Partial<ProgressEvent> = {}): void {
  for (let second = 0; second <= seconds; second++) {
    // A little before the display's own tick, which would else show what is a second old.
    if (second > 0) clock.advance(second === 1 ? 950 : 1_000);
    teller.tell(progressAt(second, more));
  }
}

describe('progress on a terminal', () => {
  it('is three lines: how far, what of it is new and where it lies, and the file under way', () => {
    const { stderr, teller } = open(new Screen(100));
    runFor(teller, 4);
    expect(stderr.text).toEqual([
      ' 40%    400 of 1,000 files    40.0 MiB of 100.0 MiB    10.1 MiB/s      0:05 left',
      'new 20.0 MiB  50% known already  packed to 80%  24.0 MiB on 6 hosts',
      '/home/me/file',
    ]);
  });

  it('has no percentage while nobody knows the total', () => {
    const { stderr, teller } = open(new Screen(100));
    runFor(teller, 4, { filesTotal: null, bytesTotal: null });
    expect(stderr.text[0]).toBe('400 files    40.0 MiB    10.1 MiB/s      0:03 so far');
  });

  it('never says that more is done than there is, where the total was an estimate', () => {
    const { stderr, teller } = open(new Screen(100));
    runFor(teller, 4, { bytesTotal: 10 * MiB, filesTotal: 10 });
    expect(stderr.text[0]).toContain('100%  400 of 400 files    40.0 MiB of 40.0 MiB');
  });

  it('keeps its columns while numbers grow', () => {
    const { stderr, teller } = open(new Screen(100));
    runFor(teller, 3);
    const before = stderr.text[0]!;
    clock.advance(1_000);
    teller.tell(progressAt(9));
    expect(stderr.text[0]!.indexOf('files')).toBe(before.indexOf('files'));
    expect(stderr.text[0]!.indexOf('MiB/s')).toBe(before.indexOf('MiB/s'));
  });

  it('names the entry that was told last, also by news that name none', () => {
    const { stderr, teller } = open(new Screen(100));
    teller.tell(progressAt(1));
    const { path: _path, ...pathless } = progressAt(2);
    clock.advance(1_000);
    teller.tell(pathless);
    expect(stderr.text[2]).toBe('/home/me/file');
  });

  it('says that it is finishing when all is read', () => {
    const { stderr, teller } = open(new Screen(100));
    runFor(teller, 10);
    expect(stderr.text[0]).toMatch(/^100% .* finishing {2}/);
  });

  it('is one line on a narrow or a low terminal', () => {
    for (const screen of [new Screen(40), new Screen(100, 4)]) {
      const { stderr, teller } = open(screen);
      runFor(teller, 4);
      expect(stderr.text).toHaveLength(1);
      expect(stderr.text[0]).toContain('40%');
    }
  });

  it('never wraps, at any width, with any name', () => {
    for (let columns = 1; columns <= 120; columns++) {
      const { stderr, teller } = open(new Screen(columns));
      runFor(teller, 3, { path: `/漢字漢字/\u001b[2J\n${'e\u0301'.repeat(200)}😀` });
      expect(stderr.text.length).toBeLessThanOrEqual(3);
      for (const line of stderr.text) expect(widthOf(line)).toBeLessThan(Math.max(columns, 2));
      expect(stderr.written).not.toContain('\u001b[2J');
      teller.conclude();
    }
  });

  it('is written over in place: no line is empty in between', () => {
    const { stderr, teller } = open(new Screen(100));
    runFor(teller, 2);
    stderr.written = '';
    clock.advance(500);
    teller.tell(progressAt(2));
    expect(stderr.written.startsWith('\r\u001b[2A 20%')).toBe(true);
    expect(stderr.text).toHaveLength(3);
  });

  it('stays below what is said meanwhile, and leaves nothing behind', () => {
    const { stderr, terminal, teller } = open(new Screen(100));
    runFor(teller, 2);
    teller.tell({ kind: 'skipped', path: '/x', code: 'file_unreadable', reason: 'permission' });
    expect(stderr.text[0]).toBe('peerkeep: warning: skipped /x: permission (file_unreadable)');
    expect(stderr.text).toHaveLength(4);
    teller.conclude();
    terminal.say('done');
    expect(stderr.text.slice(1)).toEqual(['peerkeep: done', '']);
  });

  it('follows a terminal that becomes narrower, and one that becomes wider', () => {
    const { stderr, terminal, teller } = open(new Screen(100));
    terminal.say('before');
    runFor(teller, 4);
    for (const columns of [70, 30, 100]) {
      stderr.resize(columns);
      terminal.resized();
      expect(stderr.text[0]).toBe('peerkeep: before');
      expect(stderr.text).toHaveLength(columns < 60 ? 2 : 4);
      expect(stderr.text[1]).toContain('40%');
    }
  });

  it('is not drawn more often than anybody can read, and goes on by itself', () => {
    const { stderr, teller } = open(new Screen(100));
    teller.tell(progressAt(1));
    const first = stderr.written;
    for (let i = 0; i < 50; i++) teller.tell(progressAt(2));
    expect(stderr.written).toBe(first);
    clock.advance(1_000);
    expect(stderr.text[0]).toContain(' 20%');
    teller.conclude();
    stderr.written = '';
    clock.advance(10_000);
    expect(stderr.written).toBe('');
  });

  it('is nothing with --quiet', () => {
    const { stderr, teller } = open(new Screen(100), { quiet: true, verbosity: 2 });
    runFor(teller, 4);
    teller.tell({ kind: 'entry', action: 'new', type: 'file', path: '/a' });
    expect([stderr.written, stdout.text]).toEqual(['', '']);
  });
});

describe('progress without a terminal', () => {
  it.each([
    ['a pipe', new RecordedOutput(), {}],
    ['a terminal that cannot move its cursor', new Screen(80), { isDumb: true }],
  ])('is nothing on %s', (_what, output, options) => {
    const { teller } = open(output, options);
    runFor(teller, 30);
    expect('written' in output ? output.written : output.text).toBe('');
  });

  it('is a line every 10 seconds with --verbose', () => {
    const { stderr, teller } = open(new RecordedOutput(), { verbosity: 1 });
    runFor(teller, 25);
    expect(stderr.text.match(/\n/g)).toHaveLength(2);
    expect(stderr.text).toMatch(
      /^peerkeep: 100%, 1,[01]00 of 1,[01]00 files, 1[01]0\.0 MiB of 1[01]0\.0 MiB, [^\n]+ on 6 hosts\n/,
    );
  });

  it('is a line at once for whoever asks by a signal', () => {
    const { stderr, terminal, teller } = open(new RecordedOutput());
    terminal.onStatusAsked?.();
    runFor(teller, 4);
    terminal.onStatusAsked?.();
    expect(stderr.text).toMatch(/^peerkeep: 40%, 400 of 1,000 files, [^\n]+\n$/);
    teller.conclude();
    expect(terminal.onStatusAsked).toBeNull();
  });
});

describe('progress for programs', () => {
  const messages = (output: RecordedOutput): Record<string, unknown>[] =>
    output.text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it("is restic's status, at most 10 times a second", () => {
    const { stderr, teller } = open(new RecordedOutput(), { json: true });
    for (let i = 0; i <= 1_000; i++) {
      teller.tell(progressAt(i / 100));
      clock.advance(10);
    }
    const all = messages(stdout);
    expect(all.length).toBeGreaterThan(90);
    expect(all.length).toBeLessThanOrEqual(102);
    expect(all.at(-1)).toMatchObject({
      message_type: 'status',
      seconds_elapsed: 10,
      percent_done: 1,
      total_files: 1_000,
      total_bytes: 100 * MiB,
      current_files: ['/home/me/file'],
    });
    expect(stderr.text).toBe('');
  });

  it('names what a restore has restored', () => {
    const { teller } = open(new RecordedOutput(), { json: true });
    teller.tell(progressAt(1, { activity: 'restore' }));
    expect(messages(stdout)[0]).toMatchObject({ files_restored: 100, bytes_restored: 10 * MiB });
  });

  it('tells errors, warnings and talk on stderr as JSON', () => {
    const { stderr, terminal, teller } = open(new RecordedOutput(), { json: true });
    teller.tell({ kind: 'skipped', path: '/x', code: 'file_unreadable', reason: 'permission' });
    teller.tell({ kind: 'warning', code: 'file_changed', detail: '/y' });
    terminal.say('hello');
    expect(messages(stderr)).toEqual([
      {
        message_type: 'error',
        error: { message: 'permission' },
        code: 'file_unreadable',
        during: 'archival',
        item: '/x',
      },
      { message_type: 'warning', message: '/y (file_changed)' },
      { message_type: 'message', message: 'hello' },
    ]);
    expect(stdout.text).toBe('');
  });

  it('is the summary alone with --quiet', () => {
    const { terminal, teller } = open(new RecordedOutput(), { json: true, quiet: true });
    runFor(teller, 4);
    terminal.summary({ message_type: 'summary' }, () => 'text');
    expect(stdout.text).toBe('{"message_type":"summary"}\n');
  });
});

describe('a long listing', () => {
  const tellAll = (teller: EventTeller): void => {
    teller.tell({ kind: 'entry', action: 'new', type: 'file', path: '/a\n', bytes: 2_048, bytesNew: 1_024 });
    teller.tell({ kind: 'entry', action: 'changed', type: 'dir', path: '/b' });
    teller.tell({ kind: 'entry', action: 'unchanged', type: 'file', path: '/c', bytes: 1 });
  };

  it('names nothing by itself, what is new or changed with -v, and everything with -vv', () => {
    const lines = ['new        /a\\n, 2.0 KiB, new 1.0 KiB\n', 'changed    /b/\n', 'unchanged  /c, 1 B\n'];
    for (const [verbosity, count] of [
      [0, 0],
      [1, 2],
      [2, 3],
    ] as const) {
      stdout.text = '';
      tellAll(open(new RecordedOutput(), { verbosity }).teller);
      expect(stdout.text).toBe(lines.slice(0, count).join(''));
    }
  });

  it("is restic's verbose_status for programs", () => {
    tellAll(open(new RecordedOutput(), { json: true, verbosity: 1 }).teller);
    expect(
      stdout.text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      { message_type: 'verbose_status', action: 'new', item: '/a\n', data_size: 2_048, data_size_new: 1_024 },
      { message_type: 'verbose_status', action: 'modified', item: '/b' },
    ]);
  });
});

describe('a call that was stopped', () => {
  it('says what is kept and that the next one goes on', () => {
    const { stderr, teller } = open(new Screen(100));
    runFor(teller, 4);
    teller.conclude();
    teller.tellStopped();
    expect(stderr.text.join('')).toMatch(/^peerkeep: kept: 24\.0 MiB on hosts; the next run .*no snapshot was made$/);
  });
});
