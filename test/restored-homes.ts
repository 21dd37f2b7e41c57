// Homes of a host that are copied, run on, and come back: what must not happen then, for the quick and the long tests.
import { randomBytes, randomInt } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { openLog } from '#process';
import { contentIdOf, isRefusal } from '#protocol';
import { acceptRestore } from '../apps/peer-agent/src/commands/accept-restore.js';
import type { RunningAgent } from '../apps/peer-agent/src/start-agent.js';
import { type AgentFixture, codeOf, pathOf, type RawAnswer } from './agent-fixture.js';

const LASTING = randomBytes(40_000);
const STREAM_BYTES_MAX = 100_000;

/** Of a host that is not running, so that the copy is of one moment. */
export async function copyHome(host: AgentFixture): Promise<string> {
  const copy = join(await mkdtemp(join(tmpdir(), 'peerkeep-copies-')), 'home');
  await cp(host.home.path, copy, { recursive: true });
  return copy;
}

/** What the owner of a restored home does. */
export function acceptHome(host: AgentFixture): Promise<string> {
  const { clock, home } = host;
  return acceptRestore({ homePath: home.path, homeKey: null, clock, log: openLog('test', 'silent') });
}

/** `taken`, or what the broker says to this host; a presence that was under way while it was down does not count. */
export async function presenceCode(agent: RunningAgent): Promise<string> {
  for (;;) {
    try {
      await agent.triggers.presence();
      return 'taken';
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (error.code !== 'broker_unreachable') return error.code;
    }
  }
}

/** Restore an older home so many times; expects that no token does its work twice. */
export async function restoreOften(host: AgentFixture, times: number): Promise<void> {
  await host.put(LASTING);
  for (let i = 0; i < times; i++) {
    const shown = new Shown(host);
    for (let n = 0; n < 2; n++) shown.issue();
    await shown.show(0.3);
    // Copied after either end, now and then of a host that never came back to its broker before.
    await host.agent[i % 2 === 0 ? 'stop' : 'kill']();
    const copy = await copyHome(host);
    host.clock.advance(1_000);
    await host.restart();
    await host.outliveStart();
    shown.issue();
    await shown.show(0.6);
    if (i % 3 === 0) {
      await host.agent[i % 2 === 0 ? 'kill' : 'stop']();
      host.clock.advance(1_000);
      await host.restart();
      await host.outliveStart();
    }
    shown.issue();
    await shown.show(0.6);
    await host.agent[i % 5 === 0 ? 'stop' : 'kill']();

    await restoreHome(host, copy);
    // The broker may be away: then the copy must not be trusted either.
    host.broker.isDown = i % 4 === 0;
    await host.restart();
    await shown.show(1);
    host.broker.isDown = false;
    expect(await presenceCode(host.agent)).toBe('home_restored');
    host.clock.advance(2_000);
    shown.issue();
    const codes = await shown.show(1);
    expect(codes).toContain('host_unconfirmed');
    shown.check();

    await host.agent.stop();
    await acceptHome(host);
    host.clock.advance(2_000);
    await host.restart();
    await host.outliveStart();
    await shown.show(1);
    shown.check();
    shown.issue();
    await shown.show(1);
    shown.check();
    expect(shown.single.at(-2)?.done).toBe(1);
    await rm(copy, { recursive: true });
  }
}

async function restoreHome(host: AgentFixture, copy: string): Promise<void> {
  await rm(host.home.path, { recursive: true });
  await cp(copy, host.home.path, { recursive: true });
}

/** Tokens, and how often each did its work: puts that stored and gets that served, and bytes of streams. */
class Shown {
  readonly single: { readonly op: 'put' | 'get'; readonly bytes: Buffer; readonly token: string; done: number }[] = [];
  readonly streams: { readonly token: string; bytes: number }[] = [];

  constructor(private readonly host: AgentFixture) {}

  issue(): void {
    const bytes = randomBytes(randomInt(1, 20_000));
    this.single.push({ op: 'put', bytes, token: this.host.token('put', bytes), done: 0 });
    this.single.push({ op: 'get', bytes: LASTING, token: this.host.token('get', LASTING), done: 0 });
    this.streams.push({ token: this.host.token('stream', LASTING, { maxBytes: STREAM_BYTES_MAX }), bytes: 0 });
  }

  /** Show some of them, or all. */
  async show(share: number): Promise<string[]> {
    const codes: string[] = [];
    const note = (answer: RawAnswer): void => void (answer.status >= 400 && codes.push(String(codeOf(answer))));
    const showOne = async (one: (typeof this.single)[number]): Promise<void> => {
      const answer =
        one.op === 'put' ? await this.host.put(one.bytes, one.token) : await this.host.get(one.bytes, one.token);
      note(answer);
      if (answer.status === (one.op === 'put' ? 201 : 200)) one.done++;
    };
    const showStream = async (one: (typeof this.streams)[number]): Promise<void> => {
      const headers = { range: `bytes=0-${randomInt(LASTING.length)}` };
      const answer = await this.host.send({ path: pathOf(contentIdOf(LASTING)), token: one.token, headers });
      note(answer);
      if (answer.status === 206) one.bytes += answer.body.length;
    };
    const isChosen = (): boolean => randomInt(1_000) < share * 1_000;
    await Promise.all([...this.single.filter(isChosen).map(showOne), ...this.streams.filter(isChosen).map(showStream)]);
    return codes;
  }

  check(): void {
    expect(this.single.filter(({ done }) => done > 1)).toEqual([]);
    expect(this.streams.filter(({ bytes }) => bytes > STREAM_BYTES_MAX)).toEqual([]);
  }
}
