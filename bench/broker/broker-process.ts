// A broker process under load: the built command on a policy of its own, with so many enrolled machines and hosts.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EnrolledPeer, enrolPeer } from '#peer-home';
import { parseJoinLink } from '#protocol';
import { Command } from '../../scripts/demo/command.js';
import { type SignedRequest, signedPost } from './signed-post.js';

const HOUR_MS = 3_600_000;
const ENROLLED_AT_ONCE = 8;

export interface Code {
  readonly dataShards: number;
  readonly totalShards: number;
}

export class BrokerProcess {
  private constructor(
    private readonly folder: string,
    private readonly command: Command,
    readonly joinLink: string,
    private readonly enrolmentKey: string,
  ) {}

  /** One code for whatever hosts are there, credit without end, and hosts that stay online without a word. */
  static async start({ dataShards, totalShards }: Code): Promise<BrokerProcess> {
    const folder = await mkdtemp(join(tmpdir(), 'peerkeep-bench-broker-'));
    const dataDir = join(folder, 'broker');
    await mkdir(dataDir, { mode: 0o700 });
    const redundancy = [{ hosts: totalShards, dataShards, totalShards, safeShards: totalShards }];
    const policy = {
      redundancy,
      openingCreditBytes: Number.MAX_SAFE_INTEGER,
      presenceTtlMs: HOUR_MS,
      probeHosts: false,
    };
    await writeFile(join(dataDir, 'policy.json'), JSON.stringify(policy));
    const command = Command.start('peerkeep-server', ['start', '--data-dir', dataDir, '--listen', '127.0.0.1:0'], {
      env: { ...process.env, PEERKEEP_LOG_LEVEL: 'warn' },
    });
    const joinLink = (await command.line(/^join link: (peerkeep:\S+)$/))[1]!;
    const create = ['enrolment-key', 'create', '--data-dir', dataDir, '--uses', '1000'];
    return new BrokerProcess(folder, command, joinLink, (await Command.run('peerkeep-server', create)).trim());
  }

  get pid(): number {
    return this.command.pid;
  }

  /** `https://host:port`, what requests are signed for. */
  get origin(): string {
    const { host, port } = parseJoinLink(this.joinLink);
    return `https://${host}:${port}`;
  }

  async enrol(count: number, name: string): Promise<EnrolledPeer[]> {
    const credential = { kind: 'enrolment-key', key: this.enrolmentKey } as const;
    const peers: EnrolledPeer[] = [];
    while (peers.length < count) {
      const some = Array.from({ length: Math.min(ENROLLED_AT_ONCE, count - peers.length) }, (_, i) =>
        enrolPeer({ joinLink: this.joinLink, name: `${name}-${peers.length + i}`, credential }),
      );
      peers.push(...(await Promise.all(some)));
    }
    return peers;
  }

  /** Each with a petabyte to give. */
  announcements(hosts: readonly EnrolledPeer[]): SignedRequest[] {
    const bytes = 1e15;
    const host = { listenPort: 4711, shareBytes: bytes, usedBytes: 0, freeBytes: bytes };
    return hosts.map((peer) => signedPost(this.origin, '/v1/presence', { host, program: 'bench' }, peer));
  }

  async stop(): Promise<void> {
    await this.command.end('SIGTERM');
    await rm(this.folder, { recursive: true, force: true });
  }
}
