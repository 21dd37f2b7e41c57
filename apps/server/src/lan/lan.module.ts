// Local networks: neighbours that answer each other are approved, permitted and reported here.
import { Module } from '@nestjs/common';
import { KeysModule } from '../keys/keys.module.js';
import { PeersModule } from '../peers/peers.module.js';
import { RefusalsModule } from '../refusals/refusals.module.js';
import { SigningModule } from '../signing/signing.module.js';
import { ApproveAnswer } from './approve-answer.js';
import { BeginLanGets } from './begin-lan-gets.js';
import { LanController } from './lan.controller.js';
import { RecordLanReports } from './record-lan-reports.js';

@Module({
  imports: [KeysModule, PeersModule, RefusalsModule, SigningModule],
  controllers: [LanController],
  providers: [ApproveAnswer, BeginLanGets, RecordLanReports],
})
export class LanModule {}
