// The command as a person meets it: what it prints, what it writes, and how it refuses.
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCommandLine } from './command-line.js';

const TINY = ['--peers', '20', '--years', '0.05', '--objects-per-peer', '1'];

async function run(argv: readonly string[]): Promise<{ code: number; out: string; talk: string }> {
  let [out, talk] = ['', ''];
  const code = await runCommandLine(argv, {
    out: (text) => {
      out += text;
    },
    talk: (text) => {
      talk += text;
    },
  });
  return { code, out, talk };
}

describe('simulate', () => {
  it('prints one JSON document, and writes it with its plots to the folder that is named', async () => {
    const folder = join(await mkdtemp(join(tmpdir(), 'simulate-')), 'new');
    const { code, out } = await run([...TINY, '--out', folder]);
    expect(code).toBe(0);
    const report = JSON.parse(out) as { simulation: number; options: { peers: number } };
    expect(report).toMatchObject({ simulation: 1, options: { peers: 20 }, code: { dataShards: 4, totalShards: 6 } });
    expect(await readFile(join(folder, 'report.json'), 'utf8')).toBe(out);
    const plots = (await readdir(folder)).filter((name) => name.endsWith('.svg'));
    expect(plots.sort()).toEqual(['credit.svg', 'repair.svg', 'shards.svg', 'waiting.svg']);
    for (const plot of plots) {
      const svg = await readFile(join(folder, plot), 'utf8');
      expect(svg).toContain('prefers-color-scheme:dark');
      expect(svg).toContain('>days<');
      expect(svg).not.toContain('NaN');
      expect(svg.length).toBeLessThan(16_000);
    }
  });

  it.each([
    [['--peer', '5'], "unknown option '--peer'"],
    [['--peers', 'many'], 'number from 2 to 1000000'],
    [['--peers', '2.5'], 'whole number'],
    [['--churn', '1'], 'number from 0 to 0.999'],
    [['--code', '6/4'], 'k/n is wanted'],
    [['--code', '4/6', '--peers', '6'], 'need more peers'],
    [['--code', '4/6', '--repair-at', '6'], 'from 4 to 5'],
    [['--class', 'gold'], '--class is none of second-copy, archive'],
    [['stray'], 'too many arguments'],
  ])('refuses %j in one line, with nothing on stdout', async (argv, why) => {
    const { code, out, talk } = await run(argv);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(talk).toContain(why);
    expect(talk.trimEnd().split('\n')).toHaveLength(2);
  });
});
