// The built commands bring a backup back: killed in the middle and run again, in place, and as archives for other programs.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { linkSync } from 'node:fs';
import { mkdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareTrees } from '../scripts/demo/compare-trees.js';
import { DemoNetwork } from '../scripts/demo/demo-network.js';
import { assertBuiltAfresh } from './built-afresh.js';
import { runCommand } from './run-command.js';
import { TerminalCommand } from './terminal-command.js';

assertBuiltAfresh();

const MB = 1_000_000;
const FILES = 10;
let network: DemoNetwork;
let source: string;
const path = (name: string): string => join(network.folder, name);
const peerkeep = (...args: string[]) => runCommand('peerkeep', [...args, '--home', path('client')]);
const summaryOf = (stdout: string) => JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, unknown>;

beforeAll(async () => {
  network = await DemoNetwork.create();
  await network.startBroker();
  await network.startHosts(6);
  await network.initClient();
  source = path('source');
  await mkdir(join(source, 'd'), { recursive: true });
  for (let i = 0; i < FILES; i++) await writeFile(join(source, `f${i}`), randomBytes(6 * MB));
  await writeFile(join(source, 'd', 'note.txt'), 'a note\n');
  linkSync(join(source, 'd', 'note.txt'), join(source, 'd', 'same.txt'));
  await symlink('note.txt', join(source, 'd', 'link'));
  expect((await peerkeep('backup', source)).code).toBe(0);
}, 240_000);

afterAll(() => network.close(), 120_000);

describe('restore', { timeout: 240_000 }, () => {
  it('goes on by the same command after SIGKILL in its middle, and fetches nothing twice (B7)', async () => {
    const restore = ['restore', 'latest', '--target', path('killed'), '--home', path('client'), '--json', '-vv'];
    const killed = TerminalCommand.start('peerkeep', restore);
    await killed.says(/"action":"restored","item":"f\d"/);
    expect((await killed.end('SIGKILL')).code).toBeNull();

    const second = await runCommand('peerkeep', restore);
    expect(second.code).toBe(0);
    const { bytes_restored: restored, bytes_skipped: skipped } = summaryOf(second.stdout);
    expect(Number(restored) + Number(skipped)).toBe(FILES * 6 * MB + 7);
    expect(skipped).toBeGreaterThanOrEqual(6 * MB);
    expect(await compareTrees(source, path('killed'), [])).toMatchObject({ differences: [] });
    // It has ended: what is there now is anybody's.
    expect((await runCommand('peerkeep', restore)).code).toBe(1);
  });

  it('mends a folder in place, removes what is too much, and fetches only what differs', async () => {
    const target = path('killed');
    await writeFile(join(target, 'extra'), 'x');
    await truncate(join(target, 'f1'), 10);
    await rm(join(target, 'd'), { recursive: true });
    const args = ['restore', 'latest', '--target', target, '--overwrite', 'always', '--delete', '--verify', '--json'];
    const ended = await peerkeep(...args);
    expect(summaryOf(ended.stdout)).toMatchObject({ files_deleted: 1, files_failed: 0, bytes_restored: 6 * MB + 7 });
    expect(ended.code).toBe(0);
    expect(await compareTrees(source, target, [])).toMatchObject({ differences: [] });
    const moved = ['-aHAXn', '--delete', '--checksum', '--itemize-changes'];
    expect(execFileSync('rsync', [...moved, `${source}/`, `${target}/`]).toString()).toMatch(/^(?:\.d\S* \.\/\n)?$/);
  });
});

describe('dump', { timeout: 240_000 }, () => {
  it('writes one file to stdout, and folders as tar and zip that other programs read', async () => {
    expect(await peerkeep('dump', 'latest', 'd/note.txt')).toMatchObject({ code: 0, stdout: 'a note\n', stderr: '' });
    expect((await peerkeep('dump', 'latest', '/', '--target', path('all.tar'))).code).toBe(0);
    await mkdir(path('untarred'));
    execFileSync('tar', ['-xpf', path('all.tar'), '-C', path('untarred')]);
    expect(await compareTrees(join(source, 'd'), join(path('untarred'), 'd'), [])).toMatchObject({ differences: [] });
    expect((await readFile(join(path('untarred'), 'f0'))).equals(await readFile(join(source, 'f0')))).toBe(true);

    expect((await peerkeep('dump', 'latest:d', '/', '-a', 'zip', '--target', path('d.zip'))).code).toBe(0);
    const script = [
      'import sys, zipfile, json',
      'z = zipfile.ZipFile(sys.argv[1])',
      'assert z.testzip() is None',
      'print(json.dumps([[i.filename, oct(i.external_attr >> 16)[:-4], z.read(i).decode()] for i in z.infolist()]))',
    ].join('\n');
    expect(JSON.parse(execFileSync('python3', ['-c', script, path('d.zip')]).toString())).toEqual([
      ['link', '0o12', 'note.txt'],
      ['note.txt', '0o10', 'a note\n'],
      ['same.txt', '0o10', 'a note\n'],
    ]);
    const failed = await peerkeep('dump', 'latest', 'nowhere', '--target', path('none'));
    expect(failed.code).toBe(2);
    await expect(readFile(path('none'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
