// What a relay says to the broker, for tests: enrolled as one, it says that it is there, and carries nothing.
import type { RelayPresenceAnswer, RelayPresenceRequest } from '#protocol';
import type { BrokerFixture } from './broker-fixture.js';
import { type Answer, TestPeer } from './test-peer.js';

export async function enrolRelay(fixture: BrokerFixture): Promise<TestPeer> {
  const { key } = await fixture.broker.createEnrolmentKey({ purpose: 'relay' });
  return TestPeer.enrol(fixture, { kind: 'enrolment-key', key });
}

/** A relay that has said that it is there. */
export async function startRelay(
  fixture: BrokerFixture,
  change: Partial<RelayPresenceRequest> = {},
): Promise<TestPeer> {
  const relay = await enrolRelay(fixture);
  const answer = await announceRelay(relay, change);
  if (answer.status !== 200) throw new Error(`presence refused: ${answer.code}`);
  return relay;
}

export function announceRelay(
  relay: TestPeer,
  change: Partial<RelayPresenceRequest> = {},
): Promise<Answer<RelayPresenceAnswer>> {
  const presence: RelayPresenceRequest = {
    program: 'test',
    address: '127.0.0.1',
    port: 8_443,
    webPort: null,
    peers: 0,
    peersMax: 100,
    streams: 0,
    bytesPerSecond: 0,
    isEnding: false,
    ...change,
  };
  return relay.post('/v1/relays/presence', presence);
}
