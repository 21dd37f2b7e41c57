// Alive and ready: what anybody is told, what the operator is, and what a stopping broker says before it is gone.
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type AdminAnswer, AdminClient, askAt } from '../testing/admin-client.js';
import { BrokerFixture } from '../testing/broker-fixture.js';

let fixture: BrokerFixture;
afterEach(() => fixture.remove());

async function begin(policy: object = {}): Promise<AdminClient> {
  fixture = await BrokerFixture.start(policy);
  return AdminClient.as(fixture, 'viewer');
}

async function ask(path: string): Promise<AdminAnswer> {
  return askAt(fixture.url, { method: 'GET', path, headers: {} }, await fixture.caPem());
}

const causeOf = ({ body }: AdminAnswer): unknown => (body.facts as Record<string, unknown> | undefined)?.cause;

describe('a broker', () => {
  it('that can work is alive and ready, on both listeners', async () => {
    const viewer = await begin();
    for (const path of ['/healthz', '/readyz']) {
      expect((await ask(path)).body).toEqual({ status: 'ok' });
      expect((await viewer.get(path)).body).toEqual({ status: 'ok' });
    }
  });

  it('without room on its disk is alive and not ready: anybody hears the cause, the operator what it is about', async () => {
    const viewer = await begin({ health: { diskFreeBytesMin: Number.MAX_SAFE_INTEGER } });
    expect((await ask('/healthz')).status).toBe(200);
    const answer = await ask('/readyz');
    expect([answer.status, answer.code, causeOf(answer)]).toEqual([503, 'not_ready', 'disk_nearly_full']);
    expect(answer.text).not.toMatch(/bytes/);
    const told = await viewer.get('/readyz');
    expect([told.status, told.code, causeOf(told)]).toEqual([503, 'not_ready', 'disk_nearly_full']);
    expect(told.text).toMatch(/\d+ bytes are free/);
  });

  it('whose key-encryption key is gone is not ready: it would not start again', async () => {
    const viewer = await begin();
    const key = join(fixture.dataDir, 'key-encryption.key');
    await rename(key, `${key}.away`);
    expect(causeOf(await ask('/readyz'))).toBe('key_encryption_key_missing');
    expect((await ask('/readyz')).text).not.toContain(fixture.dataDir);
    expect((await viewer.get('/readyz')).text).toContain('key-encryption.key');
    await rename(`${key}.away`, key);
    expect(causeOf(await ask('/readyz'))).toBe('key_encryption_key_missing');
    fixture.clock.advance(2_000);
    expect((await ask('/readyz')).status).toBe(200);
  });

  it('whose clock was set is not ready until it is right again', async () => {
    await begin();
    const { clock } = fixture;
    clock.setWallMs(clock.nowMs() - 6 * 60_000);
    expect(causeOf(await ask('/readyz'))).toBe('clock_moved');
    clock.setWallMs(clock.nowMs() + 6 * 60_000);
    clock.advance(2_000);
    expect((await ask('/readyz')).status).toBe(200);
  });

  it('that is told to stop says first that it is not ready, while it still answers, and then refuses', async () => {
    const viewer = await begin({ health: { stopDelayMs: 10_000 } });
    await ask('/healthz');
    const stopping = fixture.stop();
    expect(causeOf(await ask('/readyz'))).toBe('stopping');
    expect((await ask('/healthz')).status).toBe(200);
    expect((await viewer.get('/v1/admin')).status).toBe(200);
    fixture.clock.advance(10_000);
    await stopping;
    await expect(ask('/healthz')).rejects.toThrow();
    await rm(join(fixture.dataDir, 'broker.lock'), { force: true });
  });
});
