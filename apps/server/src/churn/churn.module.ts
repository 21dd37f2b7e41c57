// Churn: how often this network loses its hosts, for whoever decides by it.
import { Module } from '@nestjs/common';
import { ReputationModule } from '../reputation/reputation.module.js';
import { MeasuredChurn } from './measured-churn.js';

@Module({ imports: [ReputationModule], providers: [MeasuredChurn], exports: [MeasuredChurn] })
export class ChurnModule {}
