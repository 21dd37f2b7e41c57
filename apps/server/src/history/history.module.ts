// History: how the network was, hour by hour and day by day.
import { Module } from '@nestjs/common';
import { ChurnModule } from '../churn/churn.module.js';
import { PlacementModule } from '../placement/placement.module.js';
import { MeasureNetwork } from './measure-network.js';
import { SampleNetwork } from './sample-network.js';

@Module({
  imports: [ChurnModule, PlacementModule],
  providers: [MeasureNetwork, SampleNetwork],
  exports: [MeasureNetwork, SampleNetwork],
})
export class HistoryModule {}
