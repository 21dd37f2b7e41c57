// How often a machine that waits may ask: one that asks too often is slowed down (RFC 8628 §3.5). In memory: a restart
// of the broker only forgives.
import { POLL_SLOWER_MS, ProtocolError } from '#protocol';
import { POLL_INTERVAL_MS_MAX, POLLING_MACHINES_MAX } from '../limits.js';

/** A timer may fire a little early. */
const SLACK = 0.1;

export class PollPace {
  private readonly machines = new Map<string, { nextAtMs: number; intervalMs: number }>();

  /** intervalMs: what each machine was told at first. */
  constructor(private readonly intervalMs: number) {}

  /**
   * Take a poll of a machine that the broker knows.
   *
   * atMs     monotonic
   * throws   enrolment_poll_too_fast: from here on this machine is expected to wait so much longer between polls;
   *          overloaded when too many machines poll
   */
  claim(machine: string, atMs: number): void {
    const known = this.machines.get(machine);
    if (known === undefined && this.machines.size >= POLLING_MACHINES_MAX) throw new ProtocolError('overloaded');
    const tooFast = known !== undefined && atMs < known.nextAtMs;
    const told = known?.intervalMs ?? this.intervalMs;
    const intervalMs = tooFast ? Math.min(told + POLL_SLOWER_MS, POLL_INTERVAL_MS_MAX) : told;
    this.machines.set(machine, { intervalMs, nextAtMs: atMs + intervalMs * (1 - SLACK) });
    if (tooFast) throw new ProtocolError('enrolment_poll_too_fast');
  }

  /** Forget the machines that have not asked since `beforeMs`, monotonic. */
  forget(beforeMs: number): void {
    for (const [machine, { nextAtMs }] of this.machines) if (nextAtMs < beforeMs) this.machines.delete(machine);
  }
}
