// What the owner's page tells of this host, as it is at the moment.
import { Injectable } from '@nestjs/common';
import { PeerHome } from '#peer-home';
import { formatTime } from '#protocol';
import { formatSize } from '../commands/size-text.js';
import { ReportOutbox } from '../reports/report-outbox.js';
import { Transfers } from '../serving/transfers.js';
import { SpaceLedger } from '../shards/space-ledger.js';
import { AgentDatabase } from '../state/agent-database.js';
import { readAgentState } from '../state/agent-state.js';

/** Rows of the page: what it is called, and what it says. */
export type HostFacts = readonly { readonly id: string; readonly label: string; readonly text: string }[];

@Injectable()
export class ReadHostFacts {
  constructor(
    private readonly home: PeerHome,
    private readonly space: SpaceLedger,
    private readonly transfers: Transfers,
    private readonly outbox: ReportOutbox,
    private readonly database: AgentDatabase,
  ) {}

  async run(): Promise<HostFacts> {
    const { home, space, transfers, outbox } = this;
    const { lastContactMs } = await readAgentState(this.database.reads);
    return [
      { id: 'peer', label: 'Peer', text: `${home.identity.name} (${home.identity.peerId})` },
      { id: 'domain', label: 'Network', text: home.identity.trustDomain },
      {
        id: 'used',
        label: 'Shared disk',
        text: `${formatSize(space.usedBytes)} used of ${formatSize(home.shareBytes)}`,
      },
      { id: 'free', label: 'Free', text: formatSize(space.leftBytes) },
      { id: 'shards', label: 'Shards of others', text: String(space.shardCount) },
      { id: 'transfers', label: 'Transfers under way', text: String(transfers.running) },
      { id: 'reports', label: 'Reports waiting', text: String(outbox.length) },
      { id: 'contact', label: 'Broker heard', text: lastContactMs === 0 ? 'never' : formatTime(lastContactMs) },
      { id: 'certificate', label: 'Certificate until', text: formatTime(home.certificate().notAfterMs) },
    ];
  }
}
