// Hosts as the engine uses them: one that is busy for a moment is asked again before another host is.
import type { Clock } from '#process';
import type { HostsPort } from '../ports.js';
import { askAgain } from './ask-again.js';

export class PatientHosts implements HostsPort {
  readonly getShard: HostsPort['getShard'];
  readonly deleteBatch: HostsPort['deleteBatch'];

  constructor(
    private readonly hosts: HostsPort,
    private readonly options: { readonly clock: Clock; readonly random: () => number },
  ) {
    // Other hosts have other shards, which do as well; and batches have a patience of their own.
    this.getShard = (get) => hosts.getShard(get);
    this.deleteBatch = (batch) => hosts.deleteBatch(batch);
  }

  readonly putShard: HostsPort['putShard'] = (put) =>
    askAgain(() => this.hosts.putShard(put), { ...this.options, situation: 'put', signal: put.signal });
}
