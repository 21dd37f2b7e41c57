// The built commands as real processes: a network of a broker and six hosts, a person who backs up, and what goes wrong.
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareTrees } from '../scripts/demo/compare-trees.js';
import { DemoNetwork } from '../scripts/demo/demo-network.js';
import { assertBuiltAfresh } from './built-afresh.js';
import { lastMessage, runCommand } from './run-command.js';

// Before anything is begun: what is not there yet could not be ended.
assertBuiltAfresh();

/** The user that tests run commands as when they run as root, who may read everything. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

let network: DemoNetwork;
let phrase: string;
let source: string;

beforeAll(async () => {
  network = await DemoNetwork.create();
  await network.startBroker();
  await network.startHosts(6);
  phrase = await network.initClient();
  source = join(network.folder, 'source');
  await mkdir(join(source, 'folder', 'empty'), { recursive: true });
  await writeFile(join(source, 'folder', 'big.bin'), randomBytes(9_000_000));
  await writeFile(join(source, 'note.txt'), 'a note\n');
  await writeFile(join(source, 'run.sh'), '#!/bin/sh\n', { mode: 0o750 });
  await symlink('note.txt', join(source, 'link'));
}, 240_000);

afterAll(() => network.close(), 120_000);

/** The home of the client that `beforeAll` made. */
const home = (): string => join(network.folder, 'client');

/** One sentence, one hint, nothing on stdout. */
function expectRefusal(ended: { code: number | null; stdout: string; stderr: string }, code: number): void {
  expect(ended.stderr.trimEnd().split('\n')).toEqual([
    expect.stringMatching(/^peerkeep(?:-agent|-server)?: \S.*$/),
    expect.stringMatching(/^ {2}hint: \S.*$/),
  ]);
  expect(ended).toMatchObject({ code, stdout: '' });
}

describe('the commands', { timeout: 120_000 }, () => {
  it('back up, list and restore, with the result as JSON on stdout', async () => {
    const backup = await runCommand('peerkeep', ['backup', source, '--home', home(), '--json']);
    expect(backup).toMatchObject({ code: 0, stderr: '' });
    const summary = lastMessage(backup) as { snapshot_id: string };
    expect(summary).toMatchObject({ files_new: 3, dirs_new: 2, symlinks: 1, files_skipped: 0, hosts: 6 });

    const { snapshot_id: snapshotId } = summary;
    const snapshots = await runCommand('peerkeep', ['snapshots', '--home', home()]);
    expect(snapshots.stdout).toContain(snapshotId.slice(-8));
    const listed = await runCommand('peerkeep', ['ls', snapshotId, '--home', home(), '--json']);
    // The snapshot, and its six entries.
    expect(listed.stdout.trim().split('\n')).toHaveLength(1 + 6);

    const target = join(network.folder, 'first-copy');
    const restored = await runCommand('peerkeep', ['restore', 'latest', '--target', target, '--home', home()]);
    expect(restored).toMatchObject({ code: 0, stderr: '' });
    expect(await compareTrees(source, target, [])).toEqual({ entries: 6, differences: [] });
  });

  it('name a file that cannot be read, go on, and end with 3', async () => {
    const folder = join(network.folder, 'partly-readable');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'secret'), 'mine', { mode: 0 });
    await writeFile(join(folder, 'open'), 'yours', { mode: 0o644 });
    if (isRoot) await giveHomeTo(NOBODY);
    const as = isRoot ? { uid: NOBODY } : {};
    try {
      const ended = await runCommand('peerkeep', ['backup', folder, '--home', home(), '--json'], as);
      expect(ended.code).toBe(3);
      expect(JSON.parse(ended.stderr)).toMatchObject({
        message_type: 'error',
        item: join(folder, 'secret'),
        error: { message: 'permission (EACCES)' },
      });
      expect(lastMessage(ended)).toMatchObject({ total_files_processed: 1, files_skipped: 1 });
    } finally {
      if (isRoot) await giveHomeTo(0);
    }
  });

  it('refuse a folder that is not there, an unknown snapshot, a full target, and a home that is none', async () => {
    expectRefusal(await runCommand('peerkeep', ['backup', join(source, 'nowhere'), '--home', home()]), 2);
    const target = join(network.folder, 'unused');
    expectRefusal(await runCommand('peerkeep', ['restore', 'ffffffff', '--target', target, '--home', home()]), 1);
    expectRefusal(await runCommand('peerkeep', ['restore', 'latest', '--target', source, '--home', home()]), 1);
    expectRefusal(await runCommand('peerkeep', ['snapshots', '--home', join(network.folder, 'no-home')]), 1);
  });

  it('refuse words that are no phrase, and a phrase of no account, and leave no home behind', async () => {
    const somewhere = join(network.folder, 'somewhere');
    const recover = ['recover', network.link, '--home', somewhere];
    expectRefusal(await runCommand('peerkeep', recover, { input: 'twelve monkeys\n' }), 5);
    const foreign = `${'abandon '.repeat(23)}art\n`;
    expectRefusal(await runCommand('peerkeep', recover, { input: foreign }), 5);
    await expect(readdir(somewhere)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('refuse to start a broker whose key file others can read, and one on a data directory in use', async () => {
    const keyFile = join(network.brokerFolder, 'key-encryption.key');
    const start = ['start', '--data-dir', network.brokerFolder, '--listen', '127.0.0.1:0'];
    const inUse = await runCommand('peerkeep-server', start);
    expect(inUse.code).toBe(1);
    expect(inUse.stderr).toContain('another process');
    const copy = join(network.folder, 'exposed');
    await runCommand('peerkeep-server', ['enrolment-key', 'create', '--data-dir', copy]);
    await mkdir(copy, { recursive: true, mode: 0o700 });
    await writeFile(join(copy, 'key-encryption.key'), randomBytes(32), { mode: 0o644 });
    await chmod(join(copy, 'key-encryption.key'), 0o644);
    const exposed = await runCommand('peerkeep-server', ['start', '--data-dir', copy, '--listen', '127.0.0.1:0']);
    expect(exposed.code).toBe(1);
    expect(exposed.stderr).toContain('can be read by others');
    expect(keyFile).toContain(network.brokerFolder);
  });

  it('give everything back after SIGKILL of two hosts, to a machine with the phrase alone (B7)', async () => {
    await runCommand('peerkeep', ['backup', source, '--home', home()]);
    await network.killHosts(2);
    const restored = await network.recoverAndRestore(phrase, {});
    expect(restored).toMatchObject({ files: 3, files_failed: 0 });
    expect(await compareTrees(source, network.target, [])).toEqual({ entries: 6, differences: [] });
  });

  it('say that the broker is away, end with 4, and the broker has ended with 0', async () => {
    expect(await network.stopBroker()).toBe(0);
    expectRefusal(await runCommand('peerkeep', ['backup', source, '--home', home()]), 4);
  });
});

async function giveHomeTo(uid: number): Promise<void> {
  await chown(network.folder, uid, uid);
  for (const entry of await readdir(home(), { recursive: true })) await chown(join(home(), entry), uid, uid);
  await chown(home(), uid, uid);
}
