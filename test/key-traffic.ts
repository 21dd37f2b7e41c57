// A steady flow of puts and gets of one client against one broker and one host, while the keys of both turn over.
import { randomBytes } from 'node:crypto';
import { BrokerClient } from '#broker-api';
import { PeerLink } from '#peer-link';
import { type ContentId, contentIdOf, isRefusal, type ObjectId, uuidV7 } from '#protocol';
import type { World, WorldClient, WorldHost } from './world.js';

const SHARD_BYTES = 1_024;

export interface Traffic {
  readonly world: World;
  readonly client: WorldClient;
  readonly host: WorldHost;
  /** Of the client to the broker and to the host, together. */
  readonly requests: number;
  /** How many puts and gets are under way at once. */
  readonly atOnce: number;
  /** Called before each put or get with the number of requests made so far. */
  readonly pace: (requests: number) => Promise<void>;
}

export interface TrafficResult {
  readonly requests: number;
  /** Codes of what was refused. */
  readonly refused: readonly string[];
  readonly renewals: number;
  readonly seconds: number;
}

interface Stored {
  readonly objectId: ObjectId;
  readonly cid: ContentId;
  readonly bytes: Buffer;
}

/** Renews the key of the host, then that of the client, then both once more, evenly over the flow. */
export async function runTraffic(traffic: Traffic): Promise<TrafficResult> {
  const { world, client, host, requests: wanted, atOnce, pace } = traffic;
  const broker = new BrokerClient({ home: client.home, clock: world.clock, log: world.log });
  const link = new PeerLink({ home: client.home, clock: world.clock, log: world.log });
  const flow = new Flow(world, broker, link);
  const renewing = [host.home, client.home, host.home, client.home];
  let renewals = 0;
  const began = performance.now();
  try {
    const stored = await flow.put();
    await world.settle();
    const one = async (): Promise<void> => {
      while (flow.requests < wanted) {
        await pace(flow.requests);
        const due = renewing[renewals];
        if (due !== undefined && flow.requests >= ((renewals + 1) * wanted) / (renewing.length + 1)) {
          renewals++;
          await world.askBroker({ home: due }, (asking) => asking.renewTransactionKey());
        }
        if (flow.requests % 4 < 2) await flow.put();
        else await flow.get(stored);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, one));
  } finally {
    await broker.close();
    await link.close();
  }
  return { requests: flow.requests, refused: flow.refused, renewals, seconds: (performance.now() - began) / 1_000 };
}

class Flow {
  requests = 0;
  readonly refused: string[] = [];

  constructor(
    private readonly world: World,
    private readonly broker: BrokerClient,
    private readonly link: PeerLink,
  ) {}

  async put(): Promise<Stored> {
    const bytes = randomBytes(SHARD_BYTES);
    const cid = contentIdOf(bytes);
    const objectId = uuidV7<ObjectId>(this.world.clock.nowMs(), randomBytes(10));
    const shards = [{ index: 0, cid, sizeBytes: bytes.length }];
    const object = { objectId, kind: 'data', sizeBytes: bytes.length, dataShards: 1, totalShards: 1 } as const;
    await this.count(2, async () => {
      const answer = await this.broker.beginPut({ objects: [{ ...object, shards, avoid: [] }] });
      const { token, host, transactionId } = answer.objects[0]!.permissions[0]!;
      await this.link.putShard({ host, token, transactionId, cid, bytes });
    });
    return { objectId, cid, bytes };
  }

  async get({ objectId, cid, bytes }: Stored): Promise<void> {
    await this.count(2, async () => {
      const answer = await this.broker.beginGet({ objects: [{ objectId, avoid: [] }] });
      const { token, host } = answer.objects[0]!.permissions[0]!;
      const got = await this.link.getShard({ host, token, cid, sizeBytes: bytes.length });
      if (!bytes.equals(got.bytes)) this.refused.push('other_bytes');
    });
  }

  private async count(requests: number, work: () => Promise<void>): Promise<void> {
    this.requests += requests;
    try {
      await work();
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.refused.push(error.code);
    }
  }
}
