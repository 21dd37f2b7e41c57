// What a peer says to its broker about groups of peers (B14).
import {
  type BeginGroupAnswer,
  type BeginGroupRequest,
  beginGroupAnswer,
  type CreateGroupAnswer,
  type CreateGroupRequest,
  createGroupAnswer,
  type DecideMembershipRequest,
  emptyAnswer,
  type GroupId,
  type ListGroupsAnswer,
  listGroupsAnswer,
} from '#protocol';
import type { CallOptions } from './call-options.js';
import type { SignedExchange } from './signed-exchange.js';

/** All methods throw as those of BrokerClient do. */
export class GroupMessages {
  constructor(private readonly exchange: SignedExchange) {}

  /** Make a group that this account owns and this peer is a member of. Asking again makes another. */
  create(body: CreateGroupRequest, options: CallOptions = {}): Promise<CreateGroupAnswer> {
    return this.exchange.run({ method: 'POST', path: '/v1/groups', body, answer: createGroupAnswer, ...options });
  }

  list(options: CallOptions = {}): Promise<ListGroupsAnswer> {
    return this.exchange.run({ method: 'GET', path: '/v1/groups', answer: listGroupsAnswer, ...options });
  }

  async apply(groupId: GroupId, options: CallOptions = {}): Promise<void> {
    await this.tell(groupId, 'applications', {}, options);
  }

  /** Accept or refuse an application, or end a membership, of a group that this account owns. */
  async decide(groupId: GroupId, decision: DecideMembershipRequest, options: CallOptions = {}): Promise<void> {
    await this.tell(groupId, 'decisions', decision, options);
  }

  async leave(groupId: GroupId, options: CallOptions = {}): Promise<void> {
    await this.tell(groupId, 'departures', {}, options);
  }

  /** Ask for one transaction with every other member that is there. */
  begin(body: BeginGroupRequest, options: CallOptions = {}): Promise<BeginGroupAnswer> {
    const path = '/v1/group-transactions';
    return this.exchange.run({ method: 'POST', path, body, answer: beginGroupAnswer, ...options });
  }

  private async tell(groupId: GroupId, what: string, body: object, options: CallOptions): Promise<void> {
    const path = `/v1/groups/${groupId}/${what}`;
    await this.exchange.run({ method: 'POST', path, body, answer: emptyAnswer, ...options });
  }
}
