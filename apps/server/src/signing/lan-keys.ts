// The keys under which the peers of this trust domain speak on a local network, one for each epoch (SPEC §14.1).
import { randomBytes } from 'node:crypto';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { changeMany, insertRows } from '#database';
import { Clock, Log } from '#process';
import { encodeBase64url, formatTime, KEY_BYTES, type LanKey, ProtocolError } from '#protocol';
import { KeyVault } from '../keys/key-vault.js';
import { SEALED_SECRETS } from '../keys/sealed-secrets.js';
import { BrokerDatabase } from '../platform/broker-database.js';
import { Settings } from '../platform/settings.js';
import { decideLanEpochs, type LanEpoch, liveEpochs } from './decide-lan-epochs.js';

interface KeptEpoch extends LanEpoch {
  readonly key: Uint8Array;
}

@Injectable()
export class LanKeys implements OnModuleInit {
  private epochs: readonly KeptEpoch[] = [];

  constructor(
    private readonly database: BrokerDatabase,
    private readonly vault: KeyVault,
    private readonly clock: Clock,
    private readonly settings: Settings,
    private readonly log: Log,
  ) {}

  async onModuleInit(): Promise<void> {
    this.epochs = await this.read(this.database.reads);
    await this.tend();
  }

  /** Of this epoch and the next. */
  told(): LanKey[] {
    return liveEpochs(this.epochs, this.clock.nowMs()).map(({ epoch, key, fromMs, untilMs }) => ({
      epoch,
      key: encodeBase64url(key),
      from: formatTime(fromMs),
      until: formatTime(untilMs),
    }));
  }

  /** Make what is missing and forget what is over. throws data_dir_corrupt */
  async tend(): Promise<void> {
    const { missing, over } = this.decide(this.epochs);
    if (missing.length + over.length === 0) return;
    this.epochs = await this.database.write(async (db) => {
      const stored = await this.read(db);
      const due = this.decide(stored);
      for (const epoch of due.missing) await this.make(db, epoch);
      for (const { epoch } of due.over) await changeMany(db, 'DELETE FROM lan_epochs WHERE epoch = $1', [`${epoch}`]);
      return this.read(db);
    });
  }

  private decide(epochs: readonly KeptEpoch[]): ReturnType<typeof decideLanEpochs> {
    return decideLanEpochs(epochs, {
      nowMs: this.clock.nowMs(),
      epochMs: this.settings.policy.signing.lanEpochMs,
    });
  }

  private async make(db: EntityManager, { epoch, fromMs, untilMs }: LanEpoch): Promise<void> {
    const key = randomBytes(KEY_BYTES);
    const sealed = this.vault.seal('lan-key', about({ epoch: `${epoch}` }), key);
    key.fill(0);
    await insertRows(db, EPOCHS, [[`${epoch}`, sealed, fromMs, untilMs]]);
    this.log.info({ event: 'lan_epoch_made', epoch, from: formatTime(fromMs), until: formatTime(untilMs) });
  }

  private async read(db: EntityManager): Promise<KeptEpoch[]> {
    const rows = await db.query<EpochRow[]>(`SELECT ${EPOCHS.columns.join(', ')} FROM lan_epochs`);
    return rows.map(({ epoch, sealed_key: sealed, from_ms: fromMs, until_ms: untilMs }) => {
      const key = this.vault.open('lan-key', about({ epoch }), sealed);
      if (key === null) throw new ProtocolError('data_dir_corrupt', {}, { detail: 'a LAN key does not open' });
      return { epoch: Number(epoch), key, fromMs: Number(fromMs), untilMs: Number(untilMs) };
    });
  }
}

const { about } = SEALED_SECRETS['lan-key'];

const EPOCHS = { table: 'lan_epochs', columns: ['epoch', 'sealed_key', 'from_ms', 'until_ms'] };

interface EpochRow {
  epoch: string;
  sealed_key: string;
  from_ms: number | string;
  until_ms: number | string;
}
