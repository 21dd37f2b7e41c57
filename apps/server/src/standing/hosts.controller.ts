// GET /v1/hosts
import { Controller, Get, Query } from '@nestjs/common';
import { type ListHostsAnswer, type ListHostsQuery, listHostsAnswer, listHostsQuery } from '#protocol';
import { Answers } from '../control/answers.js';
import { type Caller, CurrentCaller } from '../control/caller.js';
import { ListHosts } from './list-hosts.js';

@Controller('v1/hosts')
export class HostsController {
  constructor(private readonly listHosts: ListHosts) {}

  @Get()
  @Answers(listHostsAnswer)
  list(
    @CurrentCaller() { peer }: Caller,
    @Query({ schema: listHostsQuery }) query: ListHostsQuery,
  ): Promise<ListHostsAnswer> {
    return this.listHosts.run(peer.accountId, query);
  }
}
