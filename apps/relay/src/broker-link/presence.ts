// Tells the broker that this relay is there and how busy it is, and hears what is due.
import type { BrokerClient } from '#broker-api';
import { backoffMs, type Clock, type Log } from '#process';
import { BACKOFF_MS_MAX, BACKOFF_MS_MIN, PRESENCE_FIRST_MS, PRESENCE_MS_MAX, PRESENCE_MS_MIN } from '../limits.js';
import { PROGRAM_VERSION } from '../program.js';
import type { Renewals } from './renewals.js';

export interface PresenceParts {
  readonly broker: BrokerClient;
  readonly renewals: Renewals;
  readonly clock: Clock;
  readonly log: Log;
  readonly place: { readonly address: string; readonly port: number; readonly webPort: number | null };
  readonly peersMax: number;
  /** How busy it is at the moment; `movedBytes` since its start. */
  readonly load: () => { readonly peers: number; readonly streams: number; readonly movedBytes: number };
  /** An operator drains this relay, or does not any more. */
  readonly onDrained: (isDrained: boolean) => void;
}

export class Presence {
  /** Resolves when the broker has taken notice of this relay for the first time since the start. */
  readonly noticed: Promise<void>;
  private tellNoticed: () => void = () => undefined;
  private failures = 0;
  private askedMs = PRESENCE_FIRST_MS;
  private told = { movedBytes: 0, atMs: 0 };
  private contactMs: number | null = null;

  constructor(private readonly parts: PresenceParts) {
    this.told.atMs = parts.clock.monotonicMs();
    this.noticed = new Promise((resolve) => {
      this.tellNoticed = resolve;
    });
  }

  /** How long to the next one: what the broker asked for, or longer and longer while it does not answer. */
  intervalMs(random: number): number {
    if (this.failures === 0) return Math.min(Math.max(this.askedMs, PRESENCE_MS_MIN), PRESENCE_MS_MAX);
    return backoffMs(this.failures, { minMs: BACKOFF_MS_MIN, maxMs: BACKOFF_MS_MAX }, random);
  }

  /** Since the broker last took notice of it, in ms; null before the first time. */
  get contactAgeMs(): number | null {
    return this.contactMs === null ? null : this.parts.clock.monotonicMs() - this.contactMs;
  }

  async announce(signal: AbortSignal, isEnding = false): Promise<void> {
    const { broker, renewals, clock, place, peersMax, load, onDrained } = this.parts;
    const { peers, streams, movedBytes } = load();
    const nowMs = clock.monotonicMs();
    const seconds = Math.max(nowMs - this.told.atMs, 1) / 1_000;
    const bytesPerSecond = Math.round((movedBytes - this.told.movedBytes) / seconds);
    const busy = { peers, peersMax, streams, bytesPerSecond };
    const message = { program: PROGRAM_VERSION, ...place, ...busy, isEnding };
    try {
      const answer = await broker.routes.relayPresence(message, { signal });
      this.failures = 0;
      this.told = { movedBytes, atMs: nowMs };
      this.contactMs = clock.monotonicMs();
      this.askedMs = answer.nextPresenceMs;
      onDrained(answer.isDrained);
      this.tellNoticed();
      if (answer.renewTransactionKey) await renewals.renewTransactionKey(signal);
      if (answer.renewCertificate) await renewals.renewCertificate(signal);
    } catch (error) {
      this.failures++;
      throw error;
    }
  }
}
