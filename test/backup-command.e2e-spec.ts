// `peerkeep backup` as people who know restic use it: its flags, on the built command, with the real disk and real hosts.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DemoNetwork } from '../scripts/demo/demo-network.js';
import { assertBuiltAfresh } from './built-afresh.js';
import { type Ended, lastMessage, runCommand } from './run-command.js';

assertBuiltAfresh();

let network: DemoNetwork;
let source: string;
beforeAll(async () => {
  network = await DemoNetwork.create();
  await network.startBroker();
  await network.startHosts(6);
  await network.initClient();
  source = join(network.folder, 'source');
  await write({ 'a.txt': 'a'.repeat(5_000), 'b.LOG': 'b', 'keep.log': 'k', 'd/c.log': 'c', 'cache/CACHEDIR.TAG': TAG });
  await write({ 'cache/x': 'x', 'large.bin': 'l'.repeat(3_000) });
}, 240_000);
afterAll(() => network.close(), 120_000);

const TAG = 'Signature: 8a477f597d28d172789f06886806bc55\n';
const home = (): string => join(network.folder, 'client');

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(source, name)), { recursive: true });
    await writeFile(join(source, name), content);
  }
}

function backup(args: readonly string[], input?: string): Promise<Ended> {
  const options = input === undefined ? {} : { input };
  return runCommand('peerkeep', ['backup', ...args, '--home', home(), '--json', '--quiet'], options);
}

/** The paths of files in a snapshot. */
async function filesOf(ended: Ended): Promise<string[]> {
  const { snapshot_id: id } = lastMessage(ended) as { snapshot_id: string };
  const listed = await runCommand('peerkeep', ['ls', id, '--home', home(), '--json']);
  const lines = listed.stdout.trimEnd().split('\n');
  const nodes = lines.map((line) => JSON.parse(line) as { type?: string; path?: string });
  return nodes.filter(({ type }) => type === 'file').map(({ path }) => path!);
}

describe('peerkeep backup', { timeout: 120_000 }, () => {
  it('tells of a dry run what the run then does, and of the next that nothing has changed', async () => {
    const planned = lastMessage(await backup([source, '--dry-run'])) as Record<string, unknown>;
    expect(planned).toMatchObject({ dry_run: true, files_new: 7, dirs_new: 2, files_unmodified: 0 });
    expect(planned).not.toHaveProperty('snapshot_id');
    const done = lastMessage(await backup([source])) as Record<string, unknown>;
    for (const name of ['files_new', 'data_added', 'data_added_packed', 'data_stored', 'objects_stored'])
      expect([name, done[name]]).toEqual([name, planned[name]]);
    expect(lastMessage(await backup([source]))).toMatchObject({
      files_new: 0,
      files_changed: 0,
      files_unmodified: 7,
      dirs_unmodified: 2,
      parent: done.snapshot_id,
    });
  });

  it('leaves out what the options and the lists of patterns say', async () => {
    const list = join(network.folder, 'excludes');
    await writeFile(list, '# logs\n\n*.log\n!keep.log\n');
    const rules = ['--exclude-file', list, '--iexclude', '*.LOG', '--exclude-caches', '--exclude-larger-than', '4K'];
    // What the list takes back the option without regard to case leaves out: each of the two kinds has its own say.
    expect(await filesOf(await backup([source, ...rules]))).toEqual(['/cache/CACHEDIR.TAG', '/large.bin']);
    const sensitive = await backup([source, '--exclude-file', list, '-e', 'cache']);
    expect(await filesOf(sensitive)).toEqual(['/a.txt', '/b.LOG', '/keep.log', '/large.bin']);
  });

  it('takes paths from lists, also from stdin, and goes on with 3 when one is not there', async () => {
    const raw = ['a.txt', 'd/c.log', 'missing'].map((name) => `${join(source, name)}\0`).join('');
    const ended = await backup(['--files-from-raw', '-', '--tag', 'a,b', '--tag', 'c', '--host', 'web'], raw);
    expect(ended.code).toBe(3);
    expect(ended.stderr).toContain(join(source, 'missing'));
    expect(await filesOf(ended)).toEqual(['/a.txt', '/c.log']);
    const listed = await runCommand('peerkeep', ['snapshots', '--home', home(), '--json', '--host', 'web']);
    expect(JSON.parse(listed.stdout)).toMatchObject([{ tags: ['a', 'b', 'c'], hostname: 'web' }]);
  });

  it('stores what comes on stdin as a file', async () => {
    const ended = await backup(['--stdin', '--stdin-filename', 'dumps/db.sql'], 'insert;'.repeat(100_000));
    expect(lastMessage(ended)).toMatchObject({ files_new: 1, total_bytes_processed: 700_000 });
    expect(await filesOf(ended)).toEqual(['/dumps/db.sql']);
  });

  it.each([
    ['no path', []],
    ['a stream and a path', ['--stdin', '/tmp']],
    ['no path that is there', ['/nowhere/at/all']],
    ['a size that is none', ['/tmp', '--exclude-larger-than', 'huge']],
    ['a time that is none', ['/tmp', '--time', 'yesterday']],
    ['a malformed pattern', ['/tmp', '--exclude', '[z-a]']],
    ['a list that is cut', ['--files-from-raw', '-']],
  ])('is refused with 2 for %s', async (_what, args) => {
    expect(await backup(args, '/tmp')).toMatchObject({ code: 2, stdout: '' });
  });
});
