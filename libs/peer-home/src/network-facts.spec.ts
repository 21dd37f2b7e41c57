// What a home keeps of its network: there after a restart, sealed where the home is, and never in the way when it is damaged.
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { encodeBase64url, formatTime, type NetworkAnswer } from '#protocol';
import { TestAuthority } from '../../../test/authority.js';
import { createHome, FIXTURE_TIME_MS } from '../../../test/peer-fixture.js';
import { HomeKey } from './home-key.js';
import { PeerHome } from './peer-home.js';

const DAY_MS = 86_400_000;
const NOW_MS = FIXTURE_TIME_MS;

const epoch = (number: number, fromMs: number) => ({
  epoch: number,
  key: encodeBase64url(new Uint8Array(32).fill(number)),
  from: formatTime(fromMs),
  until: formatTime(fromMs + DAY_MS),
});

const FACTS: NetworkAnswer = {
  time: formatTime(NOW_MS),
  signingKeys: [
    { kid: '0000000000000001', use: 'lease', publicKey: 'AA' },
    { kid: '0000000000000002', use: 'approval', publicKey: 'AA' },
  ],
  lanKeys: [epoch(8, NOW_MS + DAY_MS), epoch(7, NOW_MS)],
  publicName: 'laptop',
  relayDomain: null,
};

let home: PeerHome;
beforeEach(async () => {
  home = await createHome(await TestAuthority.create());
});
const epochsAt = (nowMs: number): number[] => home.network.lanKeys(nowMs).map(({ epoch }) => epoch);

describe('the facts of the network', () => {
  it('are nothing at first, and are kept for the next process', async () => {
    expect(home.network.load()).toBeNull();
    expect([home.network.signingKeys('lease'), home.network.lanKeys(NOW_MS)]).toEqual([[], []]);
    await home.network.save(FACTS);
    const again = await PeerHome.open(home.path);
    expect(again.network.load()).toEqual(FACTS);
    expect(again.network.signingKeys('approval').map(({ kid }) => kid)).toEqual(['0000000000000002']);
    expect((await stat(join(home.path, 'network.json'))).mode & 0o777).toBe(0o600);
  });

  it('are seen as another process of this home wrote them', async () => {
    const other = await PeerHome.open(home.path);
    expect(other.network.load()).toBeNull();
    await home.network.save(FACTS);
    expect(other.network.load()?.publicName).toBe('laptop');
    await home.network.save({ ...FACTS, publicName: 'laptop-ab2c' });
    expect(other.network.load()?.publicName).toBe('laptop-ab2c');
  });

  it.each(['', '{', '{"time":"2026-11-20T00:00:00.000Z"}'])(
    'that are damaged (%s) are asked for again',
    async (text) => {
      await home.network.save(FACTS);
      await writeFile(join(home.path, 'network.json'), text);
      expect(home.network.load()).toBeNull();
      await home.network.save(FACTS);
      expect(home.network.load()).toEqual(FACTS);
    },
  );

  it('lie sealed in a sealed home: the LAN keys are secrets', async () => {
    const key = new HomeKey(new Uint8Array(32).fill(5));
    await home.network.save(FACTS);
    const sealed = await PeerHome.open(home.path, key);
    expect(await readFile(join(home.path, 'network.json'), 'utf8')).toMatch(/^peerkeep-sealed-1 /);
    expect(sealed.network.load()).toEqual(FACTS);
    expect(() => home.network.load()).toThrow(expect.objectContaining({ code: 'home_sealed' }));
  });
});

describe('the keys of a local network', () => {
  it('are the one of the time first, and its neighbour while clocks may disagree', async () => {
    await home.network.save(FACTS);
    expect(epochsAt(NOW_MS + DAY_MS / 2)).toEqual([7]);
    expect(epochsAt(NOW_MS + DAY_MS - 60_000)).toEqual([7, 8]);
    expect(epochsAt(NOW_MS + DAY_MS + 60_000)).toEqual([8, 7]);
    expect(epochsAt(NOW_MS + DAY_MS + 600_000)).toEqual([8]);
  });

  it('go on after their time while no next one is known, and begin a little early', async () => {
    await home.network.save(FACTS);
    expect(epochsAt(NOW_MS + 400 * DAY_MS)).toEqual([8]);
    expect(epochsAt(NOW_MS - 60_000)).toEqual([7]);
    expect(epochsAt(NOW_MS - DAY_MS)).toEqual([]);
  });
});
