// Reputation: what the broker has seen of its hosts.
import { Module } from '@nestjs/common';
import { HostReputation } from './host-reputation.js';

@Module({ providers: [HostReputation], exports: [HostReputation] })
export class ReputationModule {}
