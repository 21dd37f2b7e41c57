// GET /v1/console/{session|machines|backups|credit|hosts}, POST /v1/console/machines/{peerId}/revoke: for a signed-in browser
import { Body, Controller, Get, Param, Post, Query, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import {
  type CreditAnswer,
  creditAnswer,
  type ListHostsAnswer,
  type ListHostsQuery,
  listHostsAnswer,
  listHostsQuery,
} from '#protocol';
import { AccountEntity } from '../accounts/account.entity.js';
import { Answers } from '../control/answers.js';
import { Unsigned } from '../control/message.guard.js';
import { TellCredit } from '../exchange/tell-credit.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { CurrentSession, type Session } from '../sessions/session.js';
import { ListHosts } from '../standing/list-hosts.js';
import { ConsoleGuard } from './console.guard.js';
import {
  type BackupsAnswer,
  backupsAnswer,
  type ConsoleSession,
  consoleSession,
  type MachineChanges,
  type MachinePage,
  type MachinesQuery,
  machineChanges,
  machinePage,
  machinesQuery,
  type OwnMachine,
  ownMachine,
  type RevokeMachineRequest,
  revokeMachineRequest,
} from './console-answers.js';
import { OwnBackups } from './own-backups.js';
import { OwnMachines } from './own-machines.js';

@Controller('v1/console')
@Unsigned()
@ApiExcludeController()
@UseGuards(ConsoleGuard)
export class ConsoleController {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly machines: OwnMachines,
    private readonly backups: OwnBackups,
    private readonly tellCredit: TellCredit,
    private readonly listHosts: ListHosts,
  ) {}

  @Get('session')
  @Answers(consoleSession)
  async session(@CurrentSession() { accountId, csrfToken }: Session): Promise<ConsoleSession> {
    const { name } = await this.database.reads.findOneByOrFail(AccountEntity, { id: accountId });
    return { name, formToken: csrfToken };
  }

  @Get('machines')
  @Answers(machinePage)
  list(
    @CurrentSession() session: Session,
    @Query({ schema: machinesQuery }) query: MachinesQuery,
  ): Promise<MachinePage> {
    return this.machines.page(session, query);
  }

  @Get('machines/:peerId')
  @Answers(ownMachine)
  one(@CurrentSession() session: Session, @Param('peerId') peerId: string): Promise<OwnMachine> {
    return this.machines.one(session, peerId);
  }

  @Get('machines/:peerId/changes')
  @Answers(machineChanges)
  changes(@CurrentSession() session: Session, @Param('peerId') peerId: string): Promise<MachineChanges> {
    return this.machines.changes(session, peerId);
  }

  @Post('machines/:peerId/revoke')
  @Answers(ownMachine)
  revoke(
    @CurrentSession() session: Session,
    @Param('peerId') peerId: string,
    @Body({ schema: revokeMachineRequest }) { name }: RevokeMachineRequest,
  ): Promise<OwnMachine> {
    return this.machines.revoke(session, peerId, name);
  }

  @Get('backups')
  @Answers(backupsAnswer)
  tellBackups(@CurrentSession() { accountId }: Session): Promise<BackupsAnswer> {
    return this.backups.run(accountId);
  }

  /** As `GET /v1/credit` tells a machine of the account. */
  @Get('credit')
  @Answers(creditAnswer)
  credit(@CurrentSession() { accountId }: Session): Promise<CreditAnswer> {
    return this.tellCredit.run({ accountId, peerId: null });
  }

  /** As `GET /v1/hosts`. */
  @Get('hosts')
  @Answers(listHostsAnswer)
  hosts(
    @CurrentSession() { accountId }: Session,
    @Query({ schema: listHostsQuery }) query: ListHostsQuery,
  ): Promise<ListHostsAnswer> {
    return this.listHosts.run(accountId, query);
  }
}
