// Checks the ledger again and again beside the running broker, and raises an alarm when what it finds changes.
import { openSnapshot } from '#database';
import type { Log } from '#process';
import { checkLedger } from './check-ledger.js';

export class WatchLedger {
  private told = '';
  private found: number | null = null;

  constructor(
    private readonly databaseFile: string,
    private readonly log: Log,
  ) {}

  /** How many faults the last run found; null before the first. */
  get faults(): number | null {
    return this.found;
  }

  /** Faults of the ledger as it was committed at this moment. */
  async check(): Promise<string[]> {
    // A connection of its own: its long snapshot keeps nobody else's reads in the past.
    const snapshot = await openSnapshot({ file: this.databaseFile, entities: [] });
    try {
      return await checkLedger(snapshot.reads);
    } finally {
      await snapshot.close();
    }
  }

  /** One line for each change of the faults, however often they are seen. */
  async run(): Promise<void> {
    const faults = await this.check();
    this.found = faults.length;
    const text = faults.join('\n');
    if (text === this.told) return;
    this.told = text;
    if (faults.length > 0) this.log.error({ event: 'alarm_ledger_faults', faults });
    else this.log.info({ event: 'ledger_sound_again' });
  }
}
