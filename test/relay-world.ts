// A world with relays, and hosts that nobody connects to: they listen where neither the broker nor clients look for them.
import { join } from 'node:path';
import { type RunningRelay, startRelay } from '../apps/relay/src/start-relay.js';
import { turns } from './eventually.js';
import type { HostSettings, World, WorldHost } from './world.js';

const SHARE_BYTES = 2_000_000_000;

/** An operator's key, a home, a running relay that the broker knows. */
export async function addRelay(world: World, name: string): Promise<RunningRelay> {
  const { key } = await world.broker.createEnrolmentKey({ purpose: 'relay' });
  await world.enrol(name, { credential: { kind: 'enrolment-key', key } });
  return startRelayOf(world, name);
}

/** The same machine again, after its program ended. */
export async function startRelayOf(world: World, name: string): Promise<RunningRelay> {
  const { clock, log } = world;
  const place = { host: '127.0.0.1', port: 0 };
  const config = { homePath: join(world.folder, name), listen: place, publicAddress: place };
  const relay = await startRelay(config, { clock, log });
  await relay.noticed;
  await relay.triggers.network();
  return relay;
}

/**
 * A host behind a firewall. Its connections to the broker come from 127.0.0.1, and it listens at 127.0.0.2 alone: where the
 * broker sees it, nobody answers.
 */
export async function addFirewalledHost(
  world: World,
  relay: NonNullable<HostSettings['relay']> = 'auto',
): Promise<WorldHost> {
  const host = await world.addHost(SHARE_BYTES, { relay, listen: { host: '127.0.0.2', port: 0 } });
  await attach(host);
  return host;
}

/** What its loops do by themselves as time goes by. */
export async function attach({ agent }: WorldHost): Promise<void> {
  await agent.triggers.relay();
  await agent.triggers.relay();
  await agent.triggers.presence();
  await agent.triggers.presence();
}

/** So much faster than the machine's the world's clock goes: what takes real time is not late by it. */
const SPEED = 4;

/** Let time pass, and with it the loops of all programs, as long as the work lasts. */
export async function whileTimePasses<T>(world: World, work: Promise<T>): Promise<T> {
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  work.then(over, over);
  let beforeMs = performance.now();
  while (!isOver) {
    await turns(1);
    const nowMs = performance.now();
    world.clock.advance(SPEED * (nowMs - beforeMs));
    beforeMs = nowMs;
  }
  return work;
}
