// Transaction keys drawn ahead of time (B3), so that a burst of enrolments waits for no random numbers and no derivation.
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { Injectable } from '@nestjs/common';
import { KEY_BYTES, TransactionKey } from '#protocol';
import { KEY_POOL_LOW_WATER, KEY_POOL_SIZE } from '../limits.js';

/** Where keys come from: a source that may be slow. 32 bytes a key, never from a password. */
export abstract class KeySource {
  abstract draw(): Promise<Uint8Array>;
}

/** The CSPRNG of the operating system. */
@Injectable()
export class SystemKeySource extends KeySource {
  draw(): Promise<Uint8Array> {
    return promisify(randomBytes)(KEY_BYTES);
  }
}

@Injectable()
export class KeyPool {
  // In memory only: a key that lies nowhere cannot be stolen, and one that a crash loses was nobody's.
  private readonly keys: TransactionKey[] = [];
  private refilling: Promise<void> | null = null;

  constructor(private readonly source: KeySource) {}

  get size(): number {
    return this.keys.length;
  }

  /**
   * A key that nobody has had, and that nobody else will have: it leaves the pool here, and never returns, whatever
   * becomes of the unit that wanted it. From the operating system at once when the pool is empty.
   */
  take(): TransactionKey {
    return this.keys.shift() ?? new TransactionKey(randomBytes(KEY_BYTES));
  }

  /** Fill the pool when it has fallen below its low-water mark; calls at the same time are one. */
  refill(): Promise<void> {
    if (this.keys.length >= KEY_POOL_LOW_WATER) return Promise.resolve();
    this.refilling ??= this.fill().finally(() => {
      this.refilling = null;
    });
    return this.refilling;
  }

  private async fill(): Promise<void> {
    while (this.keys.length < KEY_POOL_SIZE) this.keys.push(new TransactionKey(await this.source.draw()));
  }
}
