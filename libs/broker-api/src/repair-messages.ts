// What a peer says to its broker about repairs: those of its own account, and those that it does for others.
import {
  type BeginRepairAnswer,
  type BeginRepairRequest,
  beginRepairAnswer,
  type EndRepairRequest,
  emptyAnswer,
  type OwnRepairsAnswer,
  type OwnRepairsQuery,
  ownRepairsAnswer,
} from '#protocol';
import type { CallOptions } from './call-options.js';
import type { SignedExchange } from './signed-exchange.js';

/** All methods throw as those of BrokerClient do. */
export class RepairMessages {
  constructor(private readonly exchange: SignedExchange) {}

  /** Ask for an object to repair; null when there is none for this host. Throws repairs_not_allowed. */
  begin(body: BeginRepairRequest, options: CallOptions = {}): Promise<BeginRepairAnswer> {
    return this.exchange.run({
      method: 'POST',
      path: '/v1/repairs/begin',
      body,
      answer: beginRepairAnswer,
      ...options,
    });
  }

  /** Say that a task is over, after its reports. Throws repair_task_unknown. */
  async end(body: EndRepairRequest, options: CallOptions = {}): Promise<void> {
    await this.exchange.run({ method: 'POST', path: '/v1/repairs/end', body, answer: emptyAnswer, ...options });
  }

  /** One page of this account's objects that are due for repair, and which of their shards. */
  own({ after, limit }: OwnRepairsQuery = {}, options: CallOptions = {}): Promise<OwnRepairsAnswer> {
    const parameters = new URLSearchParams();
    if (after !== undefined) parameters.set('after', after);
    if (limit !== undefined) parameters.set('limit', String(limit));
    const search = parameters.size === 0 ? '' : `?${parameters}`;
    return this.exchange.run({ method: 'GET', path: `/v1/repairs/own${search}`, answer: ownRepairsAnswer, ...options });
  }
}
