// Waits on a clock: over after their time and no sooner, cut short by a signal, and nothing is left of them.
import { spawnSync } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { FakeClock } from './clock.js';
import { pause } from './pause.js';

describe('pause', () => {
  it('is over after its time, and no sooner', async () => {
    const clock = new FakeClock(0);
    let isOver: boolean | null = null;
    const waited = pause(clock, 1_000).then((over) => {
      isOver = over;
    });
    clock.advance(999);
    await new Promise((resolve) => setImmediate(resolve));
    expect(isOver).toBe(null);
    clock.advance(1);
    await waited;
    expect(isOver).toBe(true);
  });

  it('is cut short by its signal, and leaves no listener behind either way', async () => {
    const clock = new FakeClock(0);
    const stop = new AbortController();
    const over = pause(clock, 1_000, stop.signal);
    clock.advance(1_000);
    expect(await over).toBe(true);
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    const cut = pause(clock, 1_000, stop.signal);
    stop.abort();
    expect(await cut).toBe(false);
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    expect(await pause(clock, 1_000, stop.signal)).toBe(false);
  });
});

describe('a process that only waits', () => {
  const source = readFileSync(new URL('./pause.ts', import.meta.url), 'utf8');
  const module = ts.transpileModule(source, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  const clock =
    '{ schedule: (ms, run) => { const timer = setTimeout(run, ms).unref(); return () => clearTimeout(timer); } }';
  const exitCodeOf = (wait: string): number | null =>
    spawnSync(process.execPath, ['--input-type=module', '-e', `${module.outputText}\nawait ${wait};`]).status;

  it('ends in the middle of a pause, with 13, and not while it is kept alive', () => {
    expect(exitCodeOf(`pause(${clock}, 20)`)).toBe(13);
    expect(exitCodeOf(`keepingAlive(pause(${clock}, 20))`)).toBe(0);
  });
});
