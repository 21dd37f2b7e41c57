// A scheduled run that does not come to its backup is written down as failed, and whoever is to hear of it does.
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseClientConfig, RunLog, writeClientConfig } from '#backup';
import { type ExclusiveUse, takeExclusiveUse } from '#database';
import { PeerHome } from '#peer-home';
import { FakeClock, openLog } from '#process';
import { type AccountId, type PeerId, TransactionKey, uuidV7 } from '#protocol';
import { TestAuthority } from '../../../../test/authority.js';
import { RecordedOutput } from '../../../../test/recorded-output.js';
import { Terminal } from '../terminal.js';
import { runConfigured } from './run-configured.js';

const NOW_MS = Date.UTC(2026, 10, 21);

let folder: string;
let lock: ExclusiveUse;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'peerkeep-run-'));
  const authority = await TestAuthority.create();
  const peerId = uuidV7<PeerId>(NOW_MS, new Uint8Array(10).fill(1));
  const home = await PeerHome.create(join(folder, 'home'), {
    peerId,
    accountId: uuidV7<AccountId>(NOW_MS, new Uint8Array(10).fill(2)),
    name: 'laptop',
    trustDomain: authority.trustDomain,
    // Nobody listens there.
    broker: { host: '127.0.0.1', port: 1 },
    ...(await authority.issue(peerId)),
    caPem: authority.caPem,
    transactionKey: new TransactionKey(new Uint8Array(32).fill(1)),
    brokerTimeMs: NOW_MS,
  });
  await mkdir(join(home.path, 'client'));
  lock = await takeExclusiveUse(join(home.path, 'client.lock'));
});
afterEach(async () => {
  await lock.release();
  await rm(folder, { recursive: true });
});

it('gives up on a home that another command keeps, and says so to the run log and to the hook', async () => {
  const path = join(folder, 'home');
  const told = join(folder, 'told');
  const onFailure = ['/bin/sh', '-c', 'echo "$PEERKEEP_SET $PEERKEEP_CODE" >> "$0"', told];
  await writeClientConfig(path, parseClientConfig({ backups: [{ name: 'a', paths: ['/a'] }], hooks: { onFailure } }));
  const clock = new FakeClock(NOW_MS);
  const context = {
    terminal: new Terminal(new RecordedOutput(), new RecordedOutput(), clock),
    clock,
    log: openLog('test', 'silent'),
    environment: { PATH: process.env.PATH },
    signal: new AbortController().signal,
    readPhrase: async () => '',
    stdin: Readable.from([]),
    setExitCode: () => undefined,
  };
  await expect(runConfigured(context, [], { home: path, wait: '0' })).rejects.toMatchObject({ code: 'home_in_use' });
  expect(await new RunLog(path).read()).toMatchObject([{ set: 'a', outcome: 'failure', code: 'home_in_use' }]);
  expect(await readFile(told, 'utf8')).toBe('a home_in_use\n');
});
