// /v1/groups and what happens in one, POST /v1/group-transactions
import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import {
  type BeginGroupAnswer,
  type BeginGroupRequest,
  beginGroupAnswer,
  beginGroupRequest,
  type CreateGroupAnswer,
  type CreateGroupRequest,
  createGroupAnswer,
  createGroupRequest,
  type DecideMembershipRequest,
  decideMembershipRequest,
  emptyAnswer,
  type GroupPath,
  groupPath,
  type ListGroupsAnswer,
  listGroupsAnswer,
} from '#protocol';
import { Answers } from '../control/answers.js';
import { type Caller, CurrentCaller } from '../control/caller.js';
import { BeginGroup } from './begin-group.js';
import { Groups } from './groups.js';

@Controller('v1')
export class GroupsController {
  constructor(
    private readonly groups: Groups,
    private readonly beginGroup: BeginGroup,
  ) {}

  @Post('groups')
  @Answers(createGroupAnswer)
  create(
    @CurrentCaller() caller: Caller,
    @Body({ schema: createGroupRequest }) request: CreateGroupRequest,
  ): Promise<CreateGroupAnswer> {
    return this.groups.create(caller, request);
  }

  @Get('groups')
  @Answers(listGroupsAnswer)
  list(@CurrentCaller() caller: Caller): Promise<ListGroupsAnswer> {
    return this.groups.list(caller);
  }

  @Post('groups/:groupId/applications')
  @Answers(emptyAnswer)
  async apply(
    @CurrentCaller() caller: Caller,
    @Param({ schema: groupPath }) { groupId }: GroupPath,
  ): Promise<Record<string, never>> {
    await this.groups.apply(caller, groupId);
    return {};
  }

  @Post('groups/:groupId/decisions')
  @Answers(emptyAnswer)
  async decide(
    @CurrentCaller() caller: Caller,
    @Param({ schema: groupPath }) { groupId }: GroupPath,
    @Body({ schema: decideMembershipRequest }) request: DecideMembershipRequest,
  ): Promise<Record<string, never>> {
    await this.groups.decide(caller, groupId, request);
    return {};
  }

  @Post('groups/:groupId/departures')
  @Answers(emptyAnswer)
  async leave(
    @CurrentCaller() caller: Caller,
    @Param({ schema: groupPath }) { groupId }: GroupPath,
  ): Promise<Record<string, never>> {
    await this.groups.leave(caller, groupId);
    return {};
  }

  @Post('group-transactions')
  @Answers(beginGroupAnswer)
  begin(
    @CurrentCaller() caller: Caller,
    @Body({ schema: beginGroupRequest }) request: BeginGroupRequest,
  ): Promise<BeginGroupAnswer> {
    return this.beginGroup.run(caller, request);
  }
}
