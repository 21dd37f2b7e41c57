// How each part of the broker is, with the cause where it is not well.
import { Injectable } from '@nestjs/common';
import { durabilityClassOf } from '../../exchange/durability-class.js';
import { KeyVault } from '../../keys/key-vault.js';
import { BrokerDatabase } from '../../platform/broker-database.js';
import { Settings } from '../../platform/settings.js';
import { LiveBroker } from '../live-broker.js';
import { checkLog } from '../log/check-log.js';

export const HEALTH_STATES = ['ok', 'degraded', 'failed'] as const;
export type HealthState = (typeof HEALTH_STATES)[number];

export interface PartHealth {
  readonly part: string;
  readonly state: HealthState;
  /** Why it is not ok, or what is under way; null when there is nothing to say. */
  readonly cause: string | null;
}

export interface Health {
  /** Of the part that is worst. */
  readonly state: HealthState;
  readonly parts: PartHealth[];
}

@Injectable()
export class TellHealth {
  constructor(
    private readonly database: BrokerDatabase,
    private readonly settings: Settings,
    private readonly vault: KeyVault,
    private readonly live: LiveBroker,
  ) {}

  /** isDeep: with the checks that go through all that is kept */
  async run({ isDeep }: { readonly isDeep: boolean }): Promise<Health> {
    const parts = [await this.readable(), this.writer(), this.hosts(), this.keyEncryption()];
    if (isDeep) parts.push(await this.ledger(), await this.adminLog());
    const worst = Math.max(...parts.map(({ state }) => HEALTH_STATES.indexOf(state)));
    return { state: HEALTH_STATES[worst]!, parts };
  }

  private async readable(): Promise<PartHealth> {
    const fault = await this.database.reads.query('SELECT 1').then(
      () => null,
      (error: Error) => error.message,
    );
    return partHealth('database', 'failed', fault);
  }

  /** Under the load at which the broker offers universal tokens, it answers late. */
  private writer(): PartHealth {
    const { waitingWrites } = this.database;
    const isLate = waitingWrites >= this.settings.policy.load.high.waitingWrites;
    return partHealth('writer', 'degraded', isLate ? `${waitingWrites} writes wait` : null);
  }

  private hosts(): PartHealth {
    const online = this.live.hosts.all().length;
    const { redundancy } = durabilityClassOf(this.settings.policy)!;
    const needed = Math.min(...redundancy.map(({ hosts }) => hosts));
    const cause = online < needed ? `${online} hosts are online, and the smallest code needs ${needed}` : null;
    return partHealth('hosts', 'degraded', cause);
  }

  private keyEncryption(): PartHealth {
    const cause = this.vault.isRotating ? 'a rotation of the key-encryption key is under way' : null;
    return { part: 'key-encryption', state: 'ok', cause };
  }

  private async ledger(): Promise<PartHealth> {
    const faults = await this.live.watchLedger.check();
    return partHealth('ledger', 'failed', faults.length === 0 ? null : faults.join('; '));
  }

  private async adminLog(): Promise<PartHealth> {
    const { faults } = await checkLog(this.database.reads);
    return partHealth('admin-log', 'failed', faults.length === 0 ? null : faults.join('; '));
  }
}

function partHealth(part: string, otherwise: HealthState, cause: string | null): PartHealth {
  return { part, state: cause === null ? 'ok' : otherwise, cause };
}
