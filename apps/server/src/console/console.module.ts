// The console: pages of signed-in people about their machines, backups and credit.
import { Module } from '@nestjs/common';
import { ExchangeModule } from '../exchange/exchange.module.js';
import { PeersModule } from '../peers/peers.module.js';
import { PlacementModule } from '../placement/placement.module.js';
import { SessionsModule } from '../sessions/sessions.module.js';
import { StandingModule } from '../standing/standing.module.js';
import { ConsoleController } from './console.controller.js';
import { ConsolePagesController } from './console-pages.controller.js';
import { OwnBackups } from './own-backups.js';
import { OwnMachines } from './own-machines.js';

@Module({
  imports: [ExchangeModule, PeersModule, PlacementModule, SessionsModule, StandingModule],
  controllers: [ConsoleController, ConsolePagesController],
  providers: [OwnMachines, OwnBackups],
})
export class ConsoleModule {}
