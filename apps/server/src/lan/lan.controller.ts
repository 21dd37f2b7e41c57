// POST /v1/approvals, /v1/lan-gets, /v1/lan-reports
import { Body, Controller, Post } from '@nestjs/common';
import {
  type ApprovalAnswer,
  type ApprovalRequest,
  approvalAnswer,
  approvalRequest,
  emptyAnswer,
  type LanGetAnswer,
  type LanGetRequest,
  type LanReportRequest,
  lanGetAnswer,
  lanGetRequest,
  lanReportRequest,
} from '#protocol';
import { Answers } from '../control/answers.js';
import { type Caller, CurrentCaller } from '../control/caller.js';
import { ApproveAnswer } from './approve-answer.js';
import { BeginLanGets } from './begin-lan-gets.js';
import { RecordLanReports } from './record-lan-reports.js';

@Controller('v1')
export class LanController {
  constructor(
    private readonly approveAnswer: ApproveAnswer,
    private readonly beginLanGets: BeginLanGets,
    private readonly recordReports: RecordLanReports,
  ) {}

  @Post('approvals')
  @Answers(approvalAnswer)
  approve(
    @CurrentCaller() caller: Caller,
    @Body({ schema: approvalRequest }) request: ApprovalRequest,
  ): ApprovalAnswer {
    return this.approveAnswer.run(caller, request);
  }

  @Post('lan-gets')
  @Answers(lanGetAnswer)
  gets(
    @CurrentCaller() caller: Caller,
    @Body({ schema: lanGetRequest }) request: LanGetRequest,
  ): Promise<LanGetAnswer> {
    return this.beginLanGets.run(caller, request);
  }

  @Post('lan-reports')
  @Answers(emptyAnswer)
  reports(
    @CurrentCaller() caller: Caller,
    @Body({ schema: lanReportRequest }) request: LanReportRequest,
  ): Record<string, never> {
    return this.recordReports.run(caller, request);
  }
}
