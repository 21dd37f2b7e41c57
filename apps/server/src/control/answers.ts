// What a route answers, for the reader and for /docs: status 200 and the schema of the body.
import { applyDecorators, HttpCode } from '@nestjs/common';
import { ApiOkResponse } from '@nestjs/swagger';
import { z } from 'zod';

type OkResponse = Parameters<typeof ApiOkResponse>[0];

export function Answers(schema: z.ZodType): MethodDecorator {
  const { $schema: _, ...document } = z.toJSONSchema(schema);
  return applyDecorators(HttpCode(200), ApiOkResponse({ schema: document } as OkResponse));
}
