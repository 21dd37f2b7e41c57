// Tells a client which code its new objects must have.
import { Injectable } from '@nestjs/common';
import { type HostWishes, type PeerId, ProtocolError, type Redundancy } from '#protocol';
import { durabilityClassOf } from '../exchange/durability-class.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { decideRedundancy } from './decide-redundancy.js';
import { OnlineHosts } from './online-hosts.js';
import { checkWishes, filterOf, findMembers } from './wished-hosts.js';

@Injectable()
export class TellRedundancy {
  constructor(
    private readonly hosts: OnlineHosts,
    private readonly settings: Settings,
    private readonly database: BrokerDatabase,
  ) {}

  /** durability: of which class; absent, the default one. throws not_enough_hosts | durability_unknown | group_not_member */
  async run(
    clientId: PeerId,
    { durability, wishes }: { readonly durability: string | undefined; readonly wishes: HostWishes },
  ): Promise<Redundancy> {
    const asked = durabilityClassOf(this.settings.policy, durability);
    if (asked === null) throw new ProtocolError('durability_unknown');
    const members = await findMembers(this.database.reads, [wishes]);
    checkWishes(clientId, wishes, members);
    const eligibleHosts = this.hosts.countEligible(clientId, filterOf(wishes, members));
    const decision = decideRedundancy(asked.redundancy, eligibleHosts);
    if (!decision.ok) {
      const isChoosy = (wishes.regions ?? wishes.group) !== undefined;
      const detail = `${eligibleHosts} of the hosts that are wished for are there: too few for this redundancy`;
      throw new ProtocolError(decision.code, { eligibleHosts }, isChoosy ? { detail } : {});
    }
    return decision.redundancy;
  }
}
