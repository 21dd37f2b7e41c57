// The load is measured on the real event loop and the real writer.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BrokerDatabase } from '../platform/broker-database.js';
import { MeasureLoad } from './measure-load.js';

let folder: string;
let database: BrokerDatabase;
let measure: MeasureLoad;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'peerkeep-load-'));
  database = await BrokerDatabase.open(join(folder, 'broker.db'));
  measure = new MeasureLoad(database);
});
afterEach(async () => {
  measure.onModuleDestroy();
  await database.close();
  await rm(folder, { recursive: true });
});

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setTimeout(resolve, 1));
};

describe('MeasureLoad', () => {
  it('sees that the event loop was held up', async () => {
    await turns(20);
    measure.sample();
    // The first tick after a sample only begins the measurement.
    await turns(20);
    const until = performance.now() + 200;
    while (performance.now() < until);
    await turns(20);
    expect(measure.sample().delayMs).toBeGreaterThan(100);
  });

  it('sees how many writes wait', async () => {
    expect(measure.sample().waitingWrites).toBe(0);
    const writes = Array.from({ length: 50 }, () => database.write(async () => undefined));
    expect(measure.sample().waitingWrites).toBe(50);
    await Promise.all(writes);
    expect(measure.sample().waitingWrites).toBe(0);
  });
});
