// A real host whose clock is moved under it (libfaketime), forward and back: nothing is done twice, nothing expired is taken.
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PeerLink } from '#peer-link';
import { openLog, SystemClock } from '#process';
import {
  contentIdOf,
  isRefusal,
  sealToken,
  type TokenOp,
  type TransactionId,
  TransactionKey,
  type UnixMs,
  uuidV7,
} from '#protocol';
import { CLIENT_ID, HOST_ID, SHARE_BYTES, TestBroker } from './agent-fixture.js';
import { killAgentProcess, startAgentProcess } from './agent-process.js';
import { TestAuthority } from './authority.js';
import { createHome } from './peer-fixture.js';

const MINUTE_MS = 60_000;
/** Beyond a token's life and twice the skew, within the life of the certificates. */
const OFFSETS = ['+2h', '-2h', '+20h', '-20h', '+0'] as const;
const EXPIRED_SINCE_MS = 20 * MINUTE_MS;

function findLibrary(): string {
  const folders = readdirSync('/usr/lib').map((name) => join('/usr/lib', name, 'faketime/libfaketimeMT.so.1'));
  const library = folders.find((path) => existsSync(path));
  if (library === undefined) throw new Error('libfaketime is missing: install the package faketime');
  return library;
}

it('takes a token once, and none that has expired, wherever its clock stands', { timeout: 300_000 }, async () => {
  const clock = new SystemClock();
  const authority = await TestAuthority.create();
  const key = new TransactionKey(randomBytes(32));
  const broker = await TestBroker.start(authority, key, clock);
  const home = await createHome(authority, { peerId: HOST_ID, transactionKey: key, brokerPort: broker.port });
  await home.setShare(SHARE_BYTES);
  const link = new PeerLink({
    home: await createHome(authority, { peerId: CLIENT_ID }),
    clock,
    log: openLog('test', 'silent'),
  });
  const file = join(await mkdtemp(join(tmpdir(), 'peerkeep-clock-')), 'offset');
  const setClock = async (offset: string): Promise<void> => {
    await writeFile(`${file}.new`, `${offset}\n`);
    await rename(`${file}.new`, file);
  };
  await setClock('+0');
  const environment = {
    LD_PRELOAD: findLibrary(),
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    // What a person or NTP does to a clock leaves the monotonic one alone.
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
  };

  const seal = (op: TokenOp, bytes: Buffer, issuedAtMs: UnixMs = clock.nowMs()): string =>
    sealToken(
      key,
      {
        trustDomain: authority.trustDomain,
        hostId: HOST_ID,
        clientId: CLIENT_ID,
        transactionId: uuidV7<TransactionId>(issuedAtMs, randomBytes(10)),
        issuedAtMs,
        notBeforeMs: issuedAtMs,
        expiresAtMs: issuedAtMs + 10 * MINUTE_MS,
        op,
        items: [{ cid: contentIdOf(bytes), sizeBytes: bytes.length }],
      },
      randomBytes(32),
    );
  let agent = await startAgentProcess(home.path, broker, environment);
  const hostAddress = () => ({ peerId: HOST_ID, address: '127.0.0.1', port: agent.port });
  /** Whether a token did its work anew; its refusal otherwise. */
  async function present(op: 'put' | 'get', bytes: Buffer, token: string): Promise<string> {
    const asked = { host: hostAddress(), token, cid: contentIdOf(bytes) };
    try {
      if (op === 'put') return (await link.putShard({ ...asked, bytes })).firstTime ? 'done' : 'first receipt';
      await link.getShard({ ...asked, sizeBytes: bytes.length });
      return 'done';
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return error.code;
    }
  }

  const used: { op: 'put' | 'get'; bytes: Buffer; token: string }[] = [];
  const use = async (): Promise<void> => {
    const bytes = randomBytes(10_000);
    for (const op of ['put', 'get'] as const) {
      const one = { op, bytes, token: seal(op, bytes) };
      expect(await present(op, bytes, one.token)).toBe('done');
      used.push(one);
    }
  };
  const showAllAgain = async (): Promise<string[]> => {
    const outcomes: string[] = [];
    for (const { op, bytes, token } of used) outcomes.push(await present(op, bytes, token));
    return outcomes;
  };
  const showExpired = (): Promise<string> => {
    const bytes = randomBytes(100);
    return present('put', bytes, seal('put', bytes, clock.nowMs() - 10 * MINUTE_MS - EXPIRED_SINCE_MS));
  };

  // A live host that has the broker's time does not care about its own clock at all.
  for (const offset of OFFSETS) {
    await setClock(offset);
    await use();
    expect(await showAllAgain()).toEqual(used.map(({ op }) => (op === 'put' ? 'first receipt' : 'token_burned')));
    expect(await showExpired()).toBe('token_expired');
  }
  // One that starts with a wrong clock, with the broker and without, after both kinds of end.
  for (const offset of ['+2h', '-25m', '+0']) {
    for (const isDown of [false, true]) {
      for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
        await killAgentProcess(agent, signal);
        broker.isDown = isDown;
        await setClock(offset);
        agent = await startAgentProcess(home.path, broker, environment);
        expect(new Set(await showAllAgain()).has('done')).toBe(false);
        expect(await showExpired()).not.toBe('done');
        // So that the rest means something: alone, the host goes by a clock that really was moved.
        const bytes = randomBytes(100);
        if (offset === '+2h' && isDown) expect(await present('put', bytes, seal('put', bytes))).toBe('token_expired');
      }
    }
  }
  broker.isDown = false;
  await killAgentProcess(agent, 'SIGTERM');
  await link.close();
  await broker.stop();
});
