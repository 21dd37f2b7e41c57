// The completion scripts, judged by the shells themselves.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeClock, openLog } from '#process';
import { peerkeepHere } from '../../../test/command-here.js';
import { SHELLS, type Shell } from './completion-script.js';

let folder: string;
const files = {} as Record<Shell, string>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'peerkeep-completion-'));
  const place = { home: join(folder, 'home'), clock: new FakeClock(0), log: openLog('test', 'silent') };
  for (const shell of SHELLS) {
    const { stdout, code } = await peerkeepHere(place, 'completion', shell);
    expect(code).toBe(0);
    files[shell] = join(folder, `peerkeep.${shell}`);
    writeFileSync(files[shell], stdout);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What bash offers behind these words. */
function offeredByBash(...words: string[]): string[] {
  const script = `source ${files.bash}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _peerkeep; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = execFileSync('bash', ['-c', script, 'bash', 'peerkeep', ...words], { encoding: 'utf8' });
  return output.split('\n').filter(Boolean);
}

describe('completion', () => {
  it.each<[string, string[], string[]]>([
    ['commands', ['re'], ['restore', 'repair', 'recover']],
    ['commands below a command', ['escrow', ''], ['on', 'off', 'status', 'cancel']],
    ['options of a command', ['backup', '--exclude-c'], ['--exclude-caches']],
    ['options behind an argument', ['forget', 'latest', '--keep-wee'], ['--keep-weekly']],
    ['words of an argument', ['cat', 'sn'], ['snapshot']],
    ['values of an option', ['stats', '--mode', 'raw'], ['raw-data']],
    ['files where a file may stand', ['backup', '/us'], []],
  ])('offers %s in bash', (_, words, expected) => {
    expect(offeredByBash(...words).sort()).toEqual(expected.sort());
  });

  it('offers commands and options in fish', () => {
    const offer = (line: string): string[] =>
      execFileSync('fish', ['-c', `source ${files.fish}; complete -C '${line}'`], {
        encoding: 'utf8',
        env: { ...process.env, HOME: folder },
      })
        .split('\n')
        .map((line) => line.split('\t')[0]!)
        .filter(Boolean);
    expect(offer('peerkeep sta').sort()).toEqual(['stats', 'status']);
    expect(offer('peerkeep backup --exclude-ca')).toEqual(['--exclude-caches']);
    expect(offer('peerkeep escrow o').sort()).toEqual(['off', 'on']);
  });

  it('is a script that zsh takes', () => {
    execFileSync('zsh', ['-n', files.zsh]);
    const defined = execFileSync(
      'zsh',
      [
        '-f',
        '-c',
        `autoload -Uz compinit; compinit -u -d ${join(folder, 'dump')}; source ${files.zsh}; print $_comps[peerkeep] $+functions[_peerkeep_forget]`,
      ],
      { encoding: 'utf8' },
    );
    expect(defined.trim()).toBe('_peerkeep 1');
  });
});
