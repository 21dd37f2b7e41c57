// Where flags that all commands have may stand.
import { describe, expect, it } from 'vitest';
import { globalFlagsLast } from './global-flags.js';

describe('globalFlagsLast', () => {
  it.each([
    ['-q backup /a', 'backup /a -q'],
    ['--json -v snapshots', 'snapshots --json -v'],
    ['--home /h peers ls', 'peers ls --home /h'],
    ['--home=/h ls latest', 'ls latest --home=/h'],
    ['-vv backup -- -odd-name', 'backup -vv -- -odd-name'],
    ['backup -q /a', 'backup -q /a'],
    ['--json', '--json'],
    ['--help', '--help'],
    ['', ''],
  ])('reads "%s" as "%s"', (typed, meant) => {
    expect(globalFlagsLast(typed.split(' ')).join(' ')).toBe(meant);
  });
});
