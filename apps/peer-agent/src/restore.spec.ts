// Yesterday's home comes back, or runs twice (trap 15): no token does its work again, and each copy is found out.
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLog } from '#process';
import { AgentFixture, codeOf } from '../../../test/agent-fixture.js';
import { acceptHome, copyHome, presenceCode, restoreOften } from '../../../test/restored-homes.js';
import { type RunningAgent, startAgent } from './start-agent.js';

/** As many as show each way in which a home is copied and comes back; the long tests do more. */
const RESTORES = 6;
const LASTING = randomBytes(40_000);

let host: AgentFixture;

beforeEach(async () => {
  host = await AgentFixture.start();
});

afterEach(async () => {
  await host.stop();
});

async function restart(end: 'stop' | 'kill'): Promise<void> {
  await host.agent[end]();
  host.clock.advance(1_000);
  await host.restart();
  if (end === 'kill') await host.outliveStart();
}

describe('an older home', () => {
  it('that is restored accepts no token twice, before it is found out, after, and when accepted', async () => {
    await restoreOften(host, RESTORES);
    expect(host.broker.homesRefused).toBeGreaterThanOrEqual(RESTORES);
  });

  it('that cannot reach its broker to be accepted stays as it is', async () => {
    await host.agent.stop();
    host.broker.isDown = true;
    await expect(acceptHome(host)).rejects.toMatchObject({ code: 'broker_unreachable' });
    host.broker.isDown = false;
    await host.restart();
    const [row] = await host.read((reads) => reads.query<Record<string, number>[]>('SELECT * FROM agent_state'));
    expect([row?.restore_accepted, row?.tokens_since_ms]).toEqual([0, 0]);
  });

  it('is not accepted while its agent runs', async () => {
    await expect(acceptHome(host)).rejects.toMatchObject({ code: 'data_dir_in_use' });
  });
});

describe('an honest host', () => {
  it('that is killed around its presence is never taken for a copy', async () => {
    for (let i = 0; i < 10; i++) {
      // The broker acknowledges, and the host does not hear it: it shows the same run again.
      host.broker.losesAnswers = true;
      // One that was under way may still be heard.
      while (
        await host.agent.triggers.presence().then(
          () => true,
          () => false,
        )
      );
      host.broker.losesAnswers = false;
      const [row] = await host.read((reads) => reads.query<{ run_id: string }[]>('SELECT run_id FROM agent_state'));
      expect(row?.run_id).not.toBe(host.broker.acknowledged?.runId);
      if (i % 2 === 0) await restart(i % 4 === 0 ? 'kill' : 'stop');
      else await host.agent.triggers.presence();
    }
    expect(host.broker.homesRefused).toBe(0);
  });

  it('goes on with its tokens after a clean stop as soon as it is confirmed, and holds them back until then', async () => {
    const token = host.token('put', LASTING);
    await host.agent.stop();
    host.clock.advance(1_000);
    host.broker.isDown = true;
    await host.restart();
    expect(codeOf(await host.put(LASTING, token))).toBe('host_unconfirmed');
    host.broker.isDown = false;
    await host.agent.triggers.presence();
    expect((await host.put(LASTING, token)).status).toBe(201);
  });

  it('without its database needs its owner’s word, and then goes on', async () => {
    await host.agent.stop();
    for (const name of ['agent.db', 'agent.db-wal', 'agent.db-shm'])
      await rm(join(host.home.path, name), { force: true });
    await host.restart();
    expect(await presenceCode(host.agent)).toBe('home_restored');
    await host.agent.stop();
    await acceptHome(host);
    await host.restart();
    await host.outliveStart();
    expect((await host.put(LASTING)).status).toBe(201);
  });
});

describe('a home that runs twice', () => {
  let clone: RunningAgent;

  async function startClone(): Promise<void> {
    await host.agent.stop();
    const copy = await copyHome(host);
    await host.restart();
    const listen = { host: '127.0.0.1', port: 0 };
    clone = await startAgent({ homePath: copy, listen }, { clock: host.clock, log: openLog('test', 'silent') });
  }

  afterEach(() => clone.kill());

  it('is found out within one presence of each, whichever speaks first', async () => {
    for (const order of ['clone', 'original'] as const) {
      if (order === 'original') await accepted();
      await startClone();
      const [first, second] = order === 'clone' ? [clone, host.agent] : [host.agent, clone];
      const outcomes: string[] = [];
      for (const agent of [first, second, first, second]) {
        outcomes.push(
          await agent.triggers.presence().then(
            () => 'taken',
            (error: { code: string }) => error.code,
          ),
        );
      }
      expect(outcomes.filter((outcome) => outcome === 'taken').length).toBeGreaterThan(0);
      // One of them and only one is refused, at its first presence beside the other, and from then on.
      expect(new Set([outcomes[0], outcomes[2]]).size).toBe(1);
      expect(new Set([outcomes[1], outcomes[3]]).size).toBe(1);
      expect([outcomes[0], outcomes[1]].sort()).toEqual(['home_restored', 'taken']);
      if (order === 'clone') await clone.kill();
    }
  });

  async function accepted(): Promise<void> {
    await host.agent.stop();
    await acceptHome(host);
    host.clock.advance(2_000);
    await host.restart();
    await host.outliveStart();
  }
});
