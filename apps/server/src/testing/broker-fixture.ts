// A broker for tests: a real HTTPS listener on loopback, a data directory of its own, time that only the test moves.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock, type Log, openLog } from '#process';
import type { BrokerConfig } from '../config/config.js';
import { parsePolicy } from '../config/policy.js';
import { type RunningBroker, startBroker } from '../start-broker.js';

const DAY_MS = 86_400_000;

export class BrokerFixture {
  // Days back: certificates made hours later by this clock are still not from the future for TLS, which asks the system.
  readonly clock = new FakeClock(Date.now() - 6 * DAY_MS);
  private running: RunningBroker | null = null;

  private constructor(
    readonly dataDir: string,
    private policy: object,
    private readonly config: Partial<BrokerConfig>,
    private readonly log: Log,
  ) {}

  static async start(
    policy: object = {},
    config: Partial<BrokerConfig> = {},
    log = openLog('test', 'silent'),
  ): Promise<BrokerFixture> {
    const dataDir = await mkdtemp(join(tmpdir(), 'peerkeep-broker-'));
    const fixture = new BrokerFixture(dataDir, policy, config, log);
    await fixture.startAgain();
    return fixture;
  }

  get broker(): RunningBroker {
    if (this.running === null) throw new Error('the broker does not run');
    return this.running;
  }

  get url(): string {
    return `https://127.0.0.1:${this.broker.port}`;
  }

  caPem(): Promise<string> {
    return readFile(join(this.dataDir, 'ca.pem'), 'utf8');
  }

  /** policy: with another policy.json */
  async startAgain(policy = this.policy, config: Partial<BrokerConfig> = {}): Promise<void> {
    this.policy = policy;
    this.running = await startBroker(
      {
        dataDir: this.dataDir,
        listen: { host: '127.0.0.1', port: 0 },
        trustDomain: null,
        policy: parsePolicy({ probeHosts: false, ...this.policy }),
        ...this.config,
        ...config,
      },
      { clock: this.clock, log: this.log },
    );
  }

  async stop(): Promise<void> {
    await this.running?.stop();
    this.running = null;
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}
