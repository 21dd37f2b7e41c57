// Where an enrolment key may come from without being seen in the list of processes (B6).
import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '#process';
import { keyOrApproval } from './enrol-here.js';
import { readEnrolmentKey } from './read-enrolment-key.js';

const KEY = `pke_${'a'.repeat(43)}`;
const OTHER = `pke_${'b'.repeat(43)}`;

let keyFile: string;

beforeEach(async () => {
  keyFile = join(await mkdtemp(join(tmpdir(), 'key-')), 'key');
  await writeFile(keyFile, `${KEY}\n`, { mode: 0o600 });
});

describe('the enrolment key', () => {
  it('comes from the option, the file or the environment, in this order', async () => {
    const environment = { PEERKEEP_ENROLMENT_KEY: ` ${OTHER}\n` };
    expect(await readEnrolmentKey({ key: KEY, environment })).toBe(KEY);
    expect(await readEnrolmentKey({ keyFile, environment })).toBe(KEY);
    expect(await readEnrolmentKey({ environment })).toBe(OTHER);
    expect(await readEnrolmentKey({ environment: { PEERKEEP_ENROLMENT_KEY: '' } })).toBeNull();
    expect(await readEnrolmentKey({ environment: {} })).toBeNull();
  });

  it('is refused from two options, and from a file that is not there', async () => {
    await expect(readEnrolmentKey({ key: KEY, keyFile, environment: {} })).rejects.toMatchObject({ code: 'usage' });
    await expect(readEnrolmentKey({ keyFile: `${keyFile}-none`, environment: {} })).rejects.toMatchObject({
      code: 'path_missing',
    });
  });

  it('is refused from a file that others can read, and through a symlink', async () => {
    const link = `${keyFile}-link`;
    await symlink(keyFile, link);
    await expect(readEnrolmentKey({ keyFile: link, environment: {} })).rejects.toMatchObject({
      code: 'secret_file_exposed',
    });
    await chmod(keyFile, 0o640);
    await expect(readEnrolmentKey({ keyFile, environment: {} })).rejects.toMatchObject({ code: 'secret_file_exposed' });
  });

  it('is refused from a named pipe at once, where reading would wait for good', async () => {
    const pipe = `${keyFile}-pipe`;
    execFileSync('mkfifo', ['-m', '600', pipe]);
    await expect(readEnrolmentKey({ keyFile: pipe, environment: {} })).rejects.toMatchObject({
      code: 'secret_file_exposed',
    });
  });

  it('is asked of a person where there is none, and never where one is malformed', async () => {
    const terminal = { purpose: 'client', program: 'peerkeep', clock: new FakeClock(0), say: () => undefined } as const;
    expect(await keyOrApproval({ environment: {} }, terminal)).toMatchObject({ kind: 'approval', purpose: 'client' });
    expect(await keyOrApproval({ key: KEY, environment: {} }, terminal)).toEqual({ kind: 'enrolment-key', key: KEY });
    await expect(keyOrApproval({ key: 'pke_short', environment: {} }, terminal)).rejects.toMatchObject({
      code: 'enrolment_key_invalid',
    });
  });
});
