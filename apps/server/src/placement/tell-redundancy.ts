// Tells a client which code its new objects must have.
import { Injectable } from '@nestjs/common';
import { type PeerId, ProtocolError, type Redundancy } from '#protocol';
import { durabilityClassOf } from '../exchange/durability-class.js';
import { Settings } from '../platform/settings.js';
import { decideRedundancy } from './decide-redundancy.js';
import { OnlineHosts } from './online-hosts.js';

@Injectable()
export class TellRedundancy {
  constructor(
    private readonly hosts: OnlineHosts,
    private readonly settings: Settings,
  ) {}

  /** durability: of which class; absent, the default one. throws not_enough_hosts | durability_unknown */
  run(clientId: PeerId, durability?: string): Redundancy {
    const asked = durabilityClassOf(this.settings.policy, durability);
    if (asked === null) throw new ProtocolError('durability_unknown');
    const eligibleHosts = this.hosts.countEligible(clientId);
    const decision = decideRedundancy(asked.redundancy, eligibleHosts);
    if (!decision.ok) throw new ProtocolError(decision.code, { eligibleHosts });
    return decision.redundancy;
  }
}
