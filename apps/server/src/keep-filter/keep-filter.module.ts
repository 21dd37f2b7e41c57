// Keep-filters: hosts hear what they should hold, and put the rest away by themselves.
import { Module } from '@nestjs/common';
import { KeepFilterController } from './keep-filter.controller.js';
import { MakeKeepFilter } from './make-keep-filter.js';

@Module({ controllers: [KeepFilterController], providers: [MakeKeepFilter] })
export class KeepFilterModule {}
