// POST /v1/puts, /v1/gets, /v1/reports
import { Body, Controller, Post } from '@nestjs/common';
import {
  type BeginGetAnswer,
  type BeginGetRequest,
  type BeginPutAnswer,
  type BeginPutRequest,
  beginGetAnswer,
  beginGetRequest,
  beginPutAnswer,
  beginPutRequest,
  type SendReportsAnswer,
  type SendReportsRequest,
  sendReportsAnswer,
  sendReportsRequest,
} from '#protocol';
import { Answers } from '../control/answers.js';
import { type Caller, CurrentCaller } from '../control/caller.js';
import { BeginGet } from './begin-get.js';
import { BeginPut } from './begin-put.js';
import { RecordReports } from './record-reports.js';

@Controller('v1')
export class TransactionsController {
  constructor(
    private readonly beginPut: BeginPut,
    private readonly beginGet: BeginGet,
    private readonly recordReports: RecordReports,
  ) {}

  @Post('puts')
  @Answers(beginPutAnswer)
  puts(
    @CurrentCaller() caller: Caller,
    @Body({ schema: beginPutRequest }) request: BeginPutRequest,
  ): Promise<BeginPutAnswer> {
    return this.beginPut.run(caller, request);
  }

  @Post('gets')
  @Answers(beginGetAnswer)
  gets(
    @CurrentCaller() caller: Caller,
    @Body({ schema: beginGetRequest }) request: BeginGetRequest,
  ): Promise<BeginGetAnswer> {
    return this.beginGet.run(caller, request);
  }

  @Post('reports')
  @Answers(sendReportsAnswer)
  reports(
    @CurrentCaller() caller: Caller,
    @Body({ schema: sendReportsRequest }) request: SendReportsRequest,
  ): Promise<SendReportsAnswer> {
    return this.recordReports.run(caller, request);
  }
}
