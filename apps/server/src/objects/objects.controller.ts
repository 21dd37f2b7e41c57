// GET /v1/objects
import { Controller, Get, Query } from '@nestjs/common';
import { type ListObjectsAnswer, type ListObjectsQuery, listObjectsAnswer, listObjectsQuery } from '#protocol';
import { Answers } from '../control/answers.js';
import { type Caller, CurrentCaller } from '../control/caller.js';
import { ListObjects } from './list-objects.js';

@Controller('v1/objects')
export class ObjectsController {
  constructor(private readonly listObjects: ListObjects) {}

  @Get()
  @Answers(listObjectsAnswer)
  get(
    @CurrentCaller() caller: Caller,
    @Query({ schema: listObjectsQuery }) query: ListObjectsQuery,
  ): Promise<ListObjectsAnswer> {
    return this.listObjects.run(caller, query);
  }
}
