// POST /v1/puts, /v1/gets, /v1/streams, /v1/deletes, /v1/universals, /v1/reports
import { Body, Controller, Post } from '@nestjs/common';
import {
  type BeginDeleteAnswer,
  type BeginDeleteRequest,
  type BeginGetAnswer,
  type BeginGetRequest,
  type BeginPutAnswer,
  type BeginPutRequest,
  type BeginStreamAnswer,
  type BeginStreamRequest,
  type BeginUniversalAnswer,
  type BeginUniversalRequest,
  beginDeleteAnswer,
  beginDeleteRequest,
  beginGetAnswer,
  beginGetRequest,
  beginPutAnswer,
  beginPutRequest,
  beginStreamAnswer,
  beginStreamRequest,
  beginUniversalAnswer,
  beginUniversalRequest,
  type SendReportsAnswer,
  type SendReportsRequest,
  sendReportsAnswer,
  sendReportsRequest,
} from '#protocol';
import { Answers } from '../control/answers.js';
import { type Caller, CurrentCaller } from '../control/caller.js';
import { BeginDelete } from './begin-delete.js';
import { BeginGet } from './begin-get.js';
import { BeginPut } from './begin-put.js';
import { BeginStream } from './begin-stream.js';
import { BeginUniversal } from './begin-universal.js';
import { RecordReports } from './record-reports.js';

@Controller('v1')
export class TransactionsController {
  constructor(
    private readonly beginPut: BeginPut,
    private readonly beginGet: BeginGet,
    private readonly beginStream: BeginStream,
    private readonly beginDelete: BeginDelete,
    private readonly beginUniversal: BeginUniversal,
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

  @Post('streams')
  @Answers(beginStreamAnswer)
  streams(
    @CurrentCaller() caller: Caller,
    @Body({ schema: beginStreamRequest }) request: BeginStreamRequest,
  ): Promise<BeginStreamAnswer> {
    return this.beginStream.run(caller, request);
  }

  @Post('deletes')
  @Answers(beginDeleteAnswer)
  deletes(
    @CurrentCaller() caller: Caller,
    @Body({ schema: beginDeleteRequest }) request: BeginDeleteRequest,
  ): Promise<BeginDeleteAnswer> {
    return this.beginDelete.run(caller, request);
  }

  @Post('universals')
  @Answers(beginUniversalAnswer)
  universals(
    @CurrentCaller() caller: Caller,
    @Body({ schema: beginUniversalRequest }) request: BeginUniversalRequest,
  ): Promise<BeginUniversalAnswer> {
    return this.beginUniversal.run(caller, request);
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
