// What is remembered of backups survives a line that was cut short, and does not grow without end.
import { appendFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RUNS_KEPT_MAX } from './limits.js';
import { type BackupRun, RunLog } from './run-log.js';

let home: string;
let runs: RunLog;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'peerkeep-runs-'));
  await mkdir(join(home, 'client'));
  runs = new RunLog(home);
});
afterEach(() => rm(home, { recursive: true }));

const file = (): string => join(home, 'client', 'runs.jsonl');
const run = (startedAtMs: number, more: Partial<BackupRun> = {}): BackupRun => {
  return { set: 'default', startedAtMs, endedAtMs: startedAtMs + 1, outcome: 'success', ...more };
};

describe('the run log', () => {
  it('is empty before the first run, and has all in their order after', async () => {
    expect(await runs.read()).toEqual([]);
    await runs.append(run(1));
    await runs.append(run(2, { outcome: 'failure', code: 'broker_unreachable', message: 'no' }));
    expect(await runs.read()).toEqual([
      run(1),
      run(2, { outcome: 'failure', code: 'broker_unreachable', message: 'no' }),
    ]);
  });

  it('passes over a line that a crash cut short, and one of a later version', async () => {
    await runs.append(run(1));
    await appendFile(file(), '{"set":"default","startedAtMs":99}\n{"set":"def');
    await runs.append(run(2));
    expect(await runs.read()).toEqual([run(1), run(2)]);
  });

  it('forgets the oldest', async () => {
    await appendFile(file(), `${JSON.stringify(run(0))}\n`.repeat(2 * RUNS_KEPT_MAX));
    await runs.append(run(7));
    const kept = await runs.read();
    expect(kept).toHaveLength(RUNS_KEPT_MAX);
    expect(kept.at(-1)).toEqual(run(7));
  });

  it('keeps a long message short', async () => {
    await runs.append(run(1, { message: 'x'.repeat(1_000_000) }));
    expect((await readFile(file())).length).toBeLessThan(4_096);
  });
});
