// Passwords as accounts use them: hash a new one, check a given one, with the same work whether an account exists or not.
import { randomBytes } from 'node:crypto';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { equalInConstantTime, ProtocolError } from '#protocol';
import { HashingThread } from './hashing-thread.js';
import type { Password } from './password.js';
import {
  CURRENT_PARAMETERS,
  encodePasswordHash,
  HASH_BYTES,
  isOutdated,
  type PasswordHash,
  parsePasswordHash,
  SALT_BYTES,
} from './password-phc.js';

export interface CheckedPassword {
  readonly matches: boolean;
  /** Matches, but was hashed with old parameters: hash it again. */
  readonly outdated: boolean;
}

@Injectable()
export class Passwords implements OnApplicationShutdown {
  private readonly thread = new HashingThread();
  /** Stands in for accounts that do not exist: no password has this hash. */
  private readonly nobodys: PasswordHash = {
    parameters: CURRENT_PARAMETERS,
    salt: randomBytes(SALT_BYTES),
    hash: randomBytes(HASH_BYTES),
  };

  /** How many passwords have been hashed or checked. */
  get operations(): number {
    return this.thread.jobs;
  }

  /** The PHC string to store. throws overloaded */
  async hash(password: Password): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    const hash = await this.thread.hash({ password, salt, parameters: CURRENT_PARAMETERS });
    return encodePasswordHash({ parameters: CURRENT_PARAMETERS, salt, hash });
  }

  /**
   * stored   the PHC string of the account; null when there is no such account: the work is done all the same
   * throws   overloaded | data_dir_corrupt
   */
  async check(password: Password, stored: string | null): Promise<CheckedPassword> {
    const known = stored === null ? this.nobodys : parsePasswordHash(stored);
    if (known === null) throw new ProtocolError('data_dir_corrupt', {}, { detail: 'a password hash is malformed' });
    const hash = await this.thread.hash({ password, salt: known.salt, parameters: known.parameters });
    const matches = equalInConstantTime(hash, known.hash) && stored !== null;
    return { matches, outdated: matches && isOutdated(known) };
  }

  onApplicationShutdown(): Promise<void> {
    return this.thread.close();
  }
}
