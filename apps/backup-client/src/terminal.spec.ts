// stdout is data, stderr is talk, and progress is for people who watch.
import { CommanderError } from 'commander';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '#process';
import { type PeerId, ProtocolError } from '#protocol';
import { RecordedOutput } from '../../../test/recorded-output.js';
import { EventTeller } from './tell-event.js';
import { Terminal } from './terminal.js';

let stdout: RecordedOutput;
let stderr: RecordedOutput;
let clock: FakeClock;
let terminal: Terminal;

function open(isTTY: boolean, columns?: number): void {
  stdout = new RecordedOutput(isTTY);
  stderr = new RecordedOutput(isTTY, columns);
  clock = new FakeClock(0);
  terminal = new Terminal(stdout, stderr, clock);
}

beforeEach(() => open(false));

describe('a result', () => {
  it('is text on stdout', () => {
    terminal.result({ a: 1 }, () => 'one\ntwo');
    expect([stdout.text, stderr.text]).toEqual(['one\ntwo\n', '']);
  });

  it('is one line of JSON with --json, whatever is in it', () => {
    terminal.useOutput({ json: true });
    terminal.result({ path: 'a\nb' }, () => 'text');
    expect(stdout.text).toBe('{"path":"a\\nb"}\n');
  });
});

describe('talk', () => {
  it('goes to stderr under the name of the program', () => {
    terminal.say('hello');
    terminal.warn('careful');
    expect(stdout.text).toBe('');
    expect(stderr.text).toBe('peerkeep: hello\npeerkeep: warning: careful\n');
  });

  it('cannot be forged by a name', () => {
    new EventTeller(terminal).tell({ kind: 'skipped', path: 'a\npeerkeep: done', code: 'local_disk', reason: 'no' });
    expect(stderr.text).toBe('peerkeep: warning: skipped a\\npeerkeep: done: no (local_disk)\n');
  });

  it('says what failed, where, and what to do', () => {
    terminal.explain(new ProtocolError('home_missing', { path: '/x' }));
    expect(stderr.text).toMatch(
      /^peerkeep: error: there is no Peerkeep home in this folder \(path: \/x\)\n {2}hint: .+\n$/,
    );
  });

  it('says what it does not know, too', () => {
    terminal.explain(new Error('odd'));
    expect(stderr.text).toMatch(/^peerkeep: error: odd\n {2}hint: .+\n$/);
  });

  it('is JSON with --json, also what ends the command', () => {
    terminal.useOutput({ json: true });
    terminal.explain(new ProtocolError('home_missing', { path: '/x' }));
    expect(JSON.parse(stderr.text)).toMatchObject({
      message_type: 'exit_error',
      code: 1,
      error_code: 'home_missing',
      message: 'there is no Peerkeep home in this folder (path: /x)',
    });
    expect(stdout.text).toBe('');
  });

  it('is left out with --quiet, but not warnings and errors', () => {
    terminal.useOutput({ quiet: true });
    terminal.say('hello');
    terminal.summary({}, () => 'done');
    terminal.warn('careful');
    terminal.explain(new Error('odd'));
    expect(stdout.text).toBe('');
    expect(stderr.text).toMatch(/^peerkeep: warning: careful\npeerkeep: error: odd\n/);
  });

  it('leaves alone what commander has said', () => {
    terminal.explain(new CommanderError(1, 'commander.unknownOption', 'unknown'));
    expect(stderr.text).toBe('');
  });

  it('names a host that failed, with the reason', () => {
    new EventTeller(terminal).tell({ kind: 'host-failed', peerId: 'p' as PeerId, code: 'shard_content_mismatch' });
    expect(stderr.text).toMatch(/^peerkeep: warning: host p: .+ \(shard_content_mismatch\)\n$/);
  });

  it('says once what happens again and again, and at the end how often', () => {
    const teller = new EventTeller(terminal);
    const down = { kind: 'host-failed', peerId: 'p' as PeerId, code: 'peer_unreachable' } as const;
    for (let i = 0; i < 5; i++) teller.tell(down);
    teller.tell({ ...down, peerId: 'q' as PeerId });
    expect(stderr.text.match(/warning/g)).toHaveLength(2);
    teller.conclude();
    expect(stderr.text).toMatch(/host p: [^\n]+, 4 times more\n$/);
  });

  it('names every entry that was skipped', () => {
    const teller = new EventTeller(terminal);
    for (const path of ['a', 'b']) teller.tell({ kind: 'skipped', path, code: 'local_disk', reason: 'no' });
    expect(stderr.text.match(/skipped/g)).toHaveLength(2);
  });
});

describe('a line of progress', () => {
  const tell = (line: string): void => terminal.progress(() => line);

  it('is not written into a pipe', () => {
    tell('1%');
    expect(stderr.text).toBe('');
  });

  it('is not shown with --json or --quiet', () => {
    for (const options of [{ json: true }, { quiet: true }]) {
      open(true);
      terminal.useOutput(options);
      tell('1%');
      expect(stderr.text).toBe('');
    }
  });

  it('is erased before anything else is said', () => {
    open(true);
    tell('1%');
    terminal.erase();
    terminal.say('hello');
    expect(stderr.text).toBe('\r1%\u001b[K\u001b[J\r\u001b[Jpeerkeep: hello\n');
  });

  it('is not written more often than anybody can read', () => {
    open(true);
    tell('1%');
    tell('2%');
    clock.advance(100);
    tell('3%');
    expect(stderr.text).toBe('\r1%\u001b[K\u001b[J\r3%\u001b[K\u001b[J');
  });

  it('never wraps, and is whole on a terminal that does not know its width', () => {
    open(true, 10);
    tell('0123456789abc');
    expect(stderr.text).toContain('\r01234567…\u001b[K');
    open(true, 0);
    tell('50% of it');
    expect(stderr.text).toContain('50% of it');
  });
});
