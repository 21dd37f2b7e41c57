// What a run waits for, what it is told meanwhile, and that it ends: a broker that is away, a host that is busy.
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '#process';
import { type ErrorCode, ProtocolError } from '#protocol';
import type { BrokerPort, EngineEvent, HostsPort } from '../ports.js';
import { TestNetwork } from '../put/testing-network.js';
import { PatientBroker } from './patient-broker.js';
import { PatientHosts } from './patient-hosts.js';

let clock: FakeClock;
let events: EngineEvent[];
let asked: number;
/** What the broker or the host refuses with at this time; null answers. */
let refusal: () => ProtocolError | null;
let broker: PatientBroker;
beforeEach(() => {
  clock = new FakeClock(0);
  events = [];
  asked = 0;
  refusal = () => null;
  const network = new TestNetwork(3);
  const port: BrokerPort = {
    ...network.broker,
    redundancy: (options) => {
      asked++;
      const refused = refusal();
      return refused === null ? network.broker.redundancy(options) : Promise.reject(refused);
    },
  };
  broker = new PatientBroker(port, { clock, random: () => 0 });
  broker.tellTo((event) => events.push(event));
});

/** The code of the refusal, `answered`, or `waiting`, after so many seconds. */
async function stateAfter(seconds: number, call: Promise<unknown>): Promise<string> {
  let state = 'waiting';
  call.then(
    () => (state = 'answered'),
    (error: unknown) => (state = error instanceof ProtocolError ? error.code : String(error)),
  );
  for (let second = 0; second <= seconds && state === 'waiting'; second++) {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    if (second < seconds) clock.advance(1_000);
  }
  return state;
}

const away = (code: ErrorCode = 'broker_unreachable') => new ProtocolError(code);

describe('a broker that is away', () => {
  it('for a minute is waited for, and the person is told once', async () => {
    await broker.redundancy();
    refusal = () => (clock.monotonicMs() < 60_000 ? away() : null);
    const both = Promise.all([broker.redundancy(), broker.redundancy()]);
    expect(await stateAfter(95, both)).toBe('answered');
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(60_000);
    expect(events).toMatchObject([{ kind: 'warning', code: 'broker_unreachable' }]);
    // Each outage is told.
    refusal = () => (clock.monotonicMs() < 200_000 ? away() : null);
    expect(await stateAfter(200, broker.redundancy())).toBe('answered');
    expect(events).toHaveLength(2);
  });

  it('for good ends the run, after five minutes; from then on it is not waited for', async () => {
    await broker.redundancy();
    refusal = () => away();
    expect(await stateAfter(299, broker.redundancy())).toBe('waiting');
    clock.advance(60_000);
    expect(await stateAfter(60, broker.redundancy())).toBe('broker_unreachable');
    const before = asked;
    expect(await stateAfter(0, broker.redundancy())).toBe('broker_unreachable');
    expect(asked).toBe(before + 1);
  });

  it('keeps the process alive between two tries, and no longer', async () => {
    await broker.redundancy();
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    refusal = () => (asked < 3 ? away() : null);
    const call = broker.redundancy();
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    expect(timers()).toBe(before + 1);
    expect(await stateAfter(60, call)).toBe('answered');
    expect(timers()).toBe(before);
  });

  it('from the beginning ends the command at once', async () => {
    refusal = () => away();
    expect(await stateAfter(0, broker.redundancy())).toBe('broker_unreachable');
    expect([asked, events.length]).toEqual([1, 0]);
  });

  it('is not waited for once the person stops', async () => {
    await broker.redundancy();
    refusal = () => away();
    const stop = new AbortController();
    const call = broker.redundancy({ signal: stop.signal });
    expect(await stateAfter(3, call)).toBe('waiting');
    stop.abort();
    expect(await stateAfter(0, call)).toBe('interrupted');
  });

  it('is not asked again when it says no', async () => {
    await broker.redundancy();
    refusal = () => away('credit_exceeded');
    expect(await stateAfter(0, broker.redundancy())).toBe('credit_exceeded');
    expect(asked).toBe(2);
  });
});

describe('a host that is busy', () => {
  const put = {} as Parameters<HostsPort['putShard']>[0];
  const hosts = (): PatientHosts =>
    new PatientHosts(
      {
        ...new TestNetwork(1).hosts,
        putShard: async () => {
          asked++;
          const refused = refusal();
          if (refused !== null) throw refused;
          return { receipt: '', firstTime: true };
        },
      },
      { clock, random: () => 0 },
    );

  it('is asked again under the same token', async () => {
    refusal = () => (asked < 3 ? away('host_busy') : null);
    expect(await stateAfter(3, hosts().putShard(put))).toBe('answered');
    expect(asked).toBe(3);
  });

  it('for long is left for another', async () => {
    refusal = () => away('host_busy');
    expect(await stateAfter(3, hosts().putShard(put))).toBe('host_busy');
    expect(asked).toBe(3);
  });

  it.each<ErrorCode>(['host_full', 'peer_unreachable', 'receipt_invalid'])(
    'and not one that fails: %s',
    async (code) => {
      refusal = () => away(code);
      expect(await stateAfter(0, hosts().putShard(put))).toBe(code);
      expect(asked).toBe(1);
    },
  );
});
