// Takes what peers say of neighbours that lied (T8): counted with what is refused, for the operator to see. No decision
// reads it, for any member of a local network could be made to look like a liar.
import { Injectable } from '@nestjs/common';
import { Clock } from '#process';
import type { LanReportRequest } from '#protocol';
import type { Caller } from '../control/caller.js';
import { PeerDirectory } from '../peers/peer-directory.js';
import { RefusalCounts } from '../refusals/refusal-counts.js';

@Injectable()
export class RecordLanReports {
  constructor(
    private readonly clock: Clock,
    private readonly directory: PeerDirectory,
    private readonly refusals: RefusalCounts,
  ) {}

  /** Peers that are not enrolled are counted without a name, so that made-up names fill no table. */
  run({ peer }: Caller, { items }: LanReportRequest): Record<string, never> {
    const failures = items.map(({ peerId, code }) => ({
      hostId: this.directory.find(peerId) === undefined ? null : peerId,
      clientId: peer.peerId,
      reporter: 'client' as const,
      op: 'get' as const,
      code,
    }));
    this.refusals.add(failures, this.clock.nowMs());
    return {};
  }
}
