// Refusals: what peers were denied, counted for the operator.
import { Module } from '@nestjs/common';
import { RefusalCounts } from './refusal-counts.js';

@Module({ providers: [RefusalCounts], exports: [RefusalCounts] })
export class RefusalsModule {}
