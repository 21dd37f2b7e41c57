// What the operator's command says about peers, beside a broker that runs (B23).
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { BrokerFixture } from '../testing/broker-fixture.js';
import { TestPeer } from '../testing/test-peer.js';
import { peerCommand } from './peer-commands.js';

let fixture: BrokerFixture;

beforeAll(async () => {
  fixture = await BrokerFixture.start();
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => fixture.remove());

async function operate(...args: string[]): Promise<string> {
  const said = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  await peerCommand({ PEERKEEP_DATA_DIR: fixture.dataDir }).parseAsync(args, { from: 'user' });
  const text = said.mock.calls.map(([piece]) => piece).join('');
  said.mockRestore();
  return text;
}

it('sends a host away, takes it back, and tells every change with who, why and when', async () => {
  const host = await TestPeer.enrolHost(fixture);
  expect(await operate('leave', host.peerId, '--reason', 'too slow')).toMatch(
    / {2}leaving .* operator_asked {2}too slow\n$/,
  );
  await fixture.broker.noticeChangesNow();
  expect((await host.get<{ state: string }>('/v1/peers/me')).body.state).toBe('leaving');
  await operate('resume', host.peerId);
  await fixture.broker.noticeChangesNow();
  expect((await host.get<{ state: string }>('/v1/peers/me')).body.state).toBe('vetting');
  const history = (await operate('history', host.peerId, '--json')).trim().split('\n');
  expect(history.map((line) => JSON.parse(line) as object)).toMatchObject([
    { from: 'leaving', to: 'vetting', by: 'operator', code: 'operator_asked', reason: '' },
    { from: 'vetting', to: 'leaving', by: 'operator', code: 'operator_asked', reason: 'too slow' },
  ]);
  expect(await operate('history', host.peerId)).toMatch(/^\S+ {2}leaving -> vetting {2}operator {2}operator_asked\n/);
});
