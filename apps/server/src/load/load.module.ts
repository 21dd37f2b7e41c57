// Load: how busy the broker is, and what it offers because of that.
import { Module } from '@nestjs/common';
import { MeasureLoad } from './measure-load.js';
import { UniversalOffer } from './universal-offer.js';

@Module({ providers: [MeasureLoad, UniversalOffer], exports: [UniversalOffer] })
export class LoadModule {}
