// A backup in a network that is not at its best: a host that keeps all others waiting, one that stalls, a broker that is away.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BackupEngine, type BackupSummary, type EngineEvent } from '#backup';
import { BrokerClient } from '#broker-api';
import { PeerLink } from '#peer-link';
import type { PeerId } from '#protocol';
import { ProtocolError } from '#protocol';
import { PatientBroker } from '../libs/backup/src/patience/patient-broker.js';
import type { BrokerPort, HostsPort } from '../libs/backup/src/ports.js';
import { compareTrees } from '../scripts/demo/compare-trees.js';
import { shareWorld } from './shared-world.js';
import type { WorldClient } from './world.js';

const MB = 1_000_000;
/** One more than six shards need, so that one can be spared. */
const world = shareWorld({ hosts: 8 });

/** An engine over the real links, which time waits for: the clock moves on only while nothing is under way. */
class PacedEngine {
  readonly events: EngineEvent[] = [];
  readonly putsOf = new Map<PeerId, number>();
  readonly cutOff: PeerId[] = [];
  /** Ms that a put to a host takes longer. */
  readonly slow = new Map<PeerId, number>();
  startedMs = 0;
  private underWay = 0;
  private delays = 0;
  private engine!: BackupEngine;

  static async open(client: WorldClient): Promise<PacedEngine> {
    await client.close();
    const paced = new PacedEngine();
    const { clock, log } = world();
    const { home } = client;
    const broker = new BrokerClient({ home, clock, log });
    const link = new PeerLink({ home, clock, log });
    const patient = new PatientBroker(paced.counted(broker), { clock, random: () => 0 });
    paced.engine = await BackupEngine.openOver(
      {
        masterKey: await home.masterKey(),
        machineId: home.identity.peerId,
        folder: join(home.path, 'client'),
        clock,
        log,
      },
      {
        broker: patient,
        tellAway: (onEvent) => patient.tellTo(onEvent),
        hosts: paced.slowed(link),
        brokerNowMs: () => broker.brokerTime.nowMs(),
        close: async () => {
          await Promise.all([broker.close(), link.close()]);
        },
      },
    );
    return paced;
  }

  async backup(path: string, whileTimePasses: () => Promise<void> = async () => undefined): Promise<BackupSummary> {
    this.startedMs = world().clock.monotonicMs();
    let hasEnded = false;
    const backup = this.engine
      .backup({
        paths: [path],
        excludes: [],
        signal: new AbortController().signal,
        onEvent: (event) => this.events.push(event),
      })
      .finally(() => {
        hasEnded = true;
      });
    backup.catch(() => undefined);
    while (!hasEnded) {
      await new Promise((resolve) => setImmediate(resolve));
      const isWaiting = this.delays > 0 || this.events.some(({ kind }) => kind === 'warning');
      if (this.underWay > 0 || !isWaiting) continue;
      world().clock.advance(100);
      await whileTimePasses();
    }
    return backup;
  }

  get seconds(): number {
    return (world().clock.monotonicMs() - this.startedMs) / 1000;
  }

  close(): Promise<void> {
    return this.engine.close();
  }

  private async count<T>(call: () => Promise<T>): Promise<T> {
    this.underWay++;
    try {
      return await call();
    } finally {
      this.underWay--;
    }
  }

  private counted(broker: BrokerClient): BrokerPort {
    return {
      redundancy: (...of) => this.count(() => broker.redundancy(...of)),
      beginPut: (...of) => this.count(() => broker.beginPut(...of)),
      beginGet: (...of) => this.count(() => broker.beginGet(...of)),
      beginDelete: (...of) => this.count(() => broker.beginDelete(...of)),
      listObjects: (...of) => this.count(() => broker.listObjects(...of)),
      peerStatus: (...of) => this.count(() => broker.peerStatus(...of)),
      repairs: { own: (...of) => this.count(() => broker.repairs.own(...of)) },
      sendReports: (...of) => this.count(() => broker.sendReports(...of)),
    };
  }

  private slowed(link: PeerLink): HostsPort {
    return {
      putShard: async (put) => {
        const { peerId } = put.host;
        this.putsOf.set(peerId, (this.putsOf.get(peerId) ?? 0) + 1);
        this.delays++;
        await this.delay(peerId, put.signal).finally(() => {
          this.delays--;
        });
        return this.count(() => link.putShard(put));
      },
      getShard: (get) => this.count(() => link.getShard(get)),
      deleteBatch: (batch) => this.count(() => link.deleteBatch(batch)),
    };
  }

  private delay(peerId: PeerId, signal: AbortSignal | undefined): Promise<void> {
    const ms = this.slow.get(peerId) ?? 500;
    return new Promise((resolve, reject) => {
      const cancel = world().clock.schedule(ms, resolve);
      const stop = (): void => {
        cancel();
        this.cutOff.push(peerId);
        reject(new ProtocolError('interrupted'));
      };
      signal?.addEventListener('abort', stop, { once: true });
    });
  }
}

async function restoresWhole(client: WorldClient, source: string, target: string): Promise<void> {
  await client.open();
  await client.restore(world().path(target));
  expect(await compareTrees(source, world().path(target), [])).toMatchObject({ differences: [] });
}

describe('a backup', () => {
  it.each([
    ['a host that is twenty times slower', 10_000],
    ['a host that stalls', 3_600_000],
  ])('does not wait for %s: a spare one takes its shard, and later objects pass it by', async (what, slowMs) => {
    const client = await world().addClient();
    const name = `source-${slowMs}`;
    const source = await world().writeFiles(name, { 'a.bin': randomBytes(40 * MB) });
    const paced = await PacedEngine.open(client);
    const slow = world().hosts[3]!.peerId;
    paced.slow.set(slow, slowMs);
    const summary = await paced.backup(source);
    const { seconds } = paced;
    await paced.close();
    console.info(`backup beside ${what}: ${seconds.toFixed(1)} s, ${paced.putsOf.get(slow) ?? 0} puts to it`);
    expect(summary).toMatchObject({ reported: true, skipped: 0 });
    // Three objects travel at once at first: each may ask it once; each of at least five others does without it.
    expect(paced.putsOf.get(slow) ?? 0).toBeLessThanOrEqual(3);
    expect(seconds).toBeLessThan(10);
    expect(paced.events.filter(({ kind }) => kind === 'host-failed')).toEqual([]);
    // Every shard has a place, though some were permitted twice.
    const rows = await world().brokerRows<{ total: number; stored: number }>(
      'SELECT total_shards AS total, stored_shards AS stored FROM objects WHERE account_id = $1',
      [client.home.identity.accountId],
    );
    expect(rows.length).toBeGreaterThanOrEqual(5);
    for (const { total, stored } of rows) expect(stored).toBe(total);
    await restoresWhole(client, source, `restored-${slowMs}`);
  });

  it('goes on when the broker was away for a minute, and tells', async () => {
    const client = await world().addClient();
    const source = await world().writeFiles('patient', { 'a.bin': randomBytes(20 * MB) });
    const paced = await PacedEngine.open(client);
    let awayAtMs: number | null = null;
    let isBack = false;
    const hasStored = (): boolean => paced.events.some((event) => event.kind === 'progress' && event.bytesStored > 0);
    const summary = await paced.backup(source, async () => {
      const nowMs = world().clock.monotonicMs();
      if (awayAtMs === null && hasStored()) {
        await world().broker.kill();
        awayAtMs = nowMs;
      }
      if (awayAtMs === null || isBack || nowMs < awayAtMs + 60_000) return;
      isBack = true;
      await world().startBroker();
      for (const host of world().hosts) await host.agent.triggers.presence();
    });
    await paced.close();
    expect(isBack).toBe(true);
    expect(summary).toMatchObject({ skipped: 0 });
    const warnings = paced.events.filter((event) => event.kind === 'warning');
    expect(warnings[0]).toMatchObject({ code: 'broker_unreachable' });
    await restoresWhole(client, source, 'restored-patient');
  });
});
