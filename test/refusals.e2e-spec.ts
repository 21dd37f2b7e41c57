// `peerkeep-server refusals`, built, as a process of its own, beside a broker that runs (B17).
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ListedRefusal } from '../apps/server/src/refusals/list-refusals.js';
import { TestNetwork } from '../apps/server/src/testing/test-network.js';
import { someObject } from '../apps/server/src/testing/test-peer.js';
import { type Ended, runCommand } from './run-command.js';

let network: TestNetwork;
beforeAll(async () => {
  network = await TestNetwork.create();
});
afterAll(() => network.remove());

const run = (...flags: string[]): Promise<Ended> =>
  runCommand('peerkeep-server', ['refusals', '--data-dir', network.fixture.dataDir, ...flags]);

describe('peerkeep-server refusals', () => {
  it('lists them for people and for programs, as far back as is asked for', async () => {
    const { objectId } = someObject(network.fixture);
    const refused = await network.client.post('/v1/gets', { objects: [{ objectId, avoid: [] }] });
    expect(refused.code).toBe('object_unknown');
    await network.fixture.broker.endExpiredNow();

    // The broker's clock is days behind the command's.
    const told = await run('--since', '30d', '--json');
    expect([told.code, told.stderr]).toEqual([0, '']);
    expect(JSON.parse(told.stdout) as ListedRefusal[]).toEqual([
      expect.objectContaining({
        askedBy: network.client.peerId,
        reportedBy: 'broker',
        op: 'get',
        code: 'object_unknown',
        count: 1,
      }),
    ]);
    const lines = (await run('--since', '30d')).stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain(`\t${network.client.peerId}\t-\tbroker\tget\tobject_unknown\t1\t`);
    expect((await run('--json')).stdout).toBe('[]\n');
  });

  it('is used wrongly with a time that is none', async () => {
    expect(await run('--since', 'long')).toMatchObject({ code: 2, stdout: '' });
  });
});
