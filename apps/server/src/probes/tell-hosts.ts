// Hosts hear soon that a peer was shut out: the broker probes them, and a probed host announces itself and is told.
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Clock, Log } from '#process';
import { TELL_HOSTS_WAIT_MS } from '../limits.js';
import { PeerDirectory } from '../peers/peer-directory.js';
import { mayAsk } from '../peers/peer-standing.js';
import { WithdrawnTokensOfPeers } from '../peers/withdrawn-tokens.js';
import { ProbeHosts } from './probe-hosts.js';

@Injectable()
export class TellHosts implements OnModuleDestroy {
  private isAsked = false;
  private cancel: (() => void) | null = null;
  private round: Promise<void> = Promise.resolve();

  constructor(
    directory: PeerDirectory,
    private readonly withdrawn: WithdrawnTokensOfPeers,
    private readonly probes: ProbeHosts,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {
    // Also at the start, for those that stand: hosts may not have heard before the broker stopped.
    directory.whenStateChanges((standing) => {
      if (!mayAsk(standing)) this.soon();
    });
  }

  onModuleDestroy(): void {
    this.cancel?.();
  }

  /** One round tells of all who are shut out until it begins, and begins when the one before has ended. */
  private soon(): void {
    if (this.isAsked) return;
    this.isAsked = true;
    this.cancel = this.clock.schedule(TELL_HOSTS_WAIT_MS, () => {
      this.round = this.round.then(() => this.run());
    });
  }

  private async run(): Promise<void> {
    this.isAsked = false;
    const { clients, issuedBefore } = this.withdrawn.at(this.clock.nowMs());
    if (clients.length === 0 && issuedBefore === null) return;
    try {
      await this.probes.runAll();
    } catch (error) {
      this.log.warn({ event: 'hosts_not_told', err: error });
    }
  }
}
