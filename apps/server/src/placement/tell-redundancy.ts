// Tells a client which code its new objects must have.
import { Injectable } from '@nestjs/common';
import { type PeerId, ProtocolError, type Redundancy } from '#protocol';
import { Settings } from '../platform/settings.js';
import { decideRedundancy } from './decide-redundancy.js';
import { OnlineHosts } from './online-hosts.js';

@Injectable()
export class TellRedundancy {
  constructor(
    private readonly hosts: OnlineHosts,
    private readonly settings: Settings,
  ) {}

  /** throws not_enough_hosts */
  run(clientId: PeerId): Redundancy {
    const eligibleHosts = this.hosts.countEligible(clientId);
    const decision = decideRedundancy(this.settings.policy.redundancy, eligibleHosts);
    if (!decision.ok) throw new ProtocolError(decision.code, { eligibleHosts });
    return decision.redundancy;
  }
}
