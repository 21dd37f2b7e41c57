// Broker time as the host knows it: the local clock, corrected by the broker's signed answers once there was one.
import type { UnixMs } from '#protocol';

export abstract class HostTime {
  /** The best guess: corrected when the broker has answered since the start, else the local clock. */
  abstract nowMs(): UnixMs;
  /** Signed broker time moved on by the monotonic clock; null until the broker has answered. Nothing else prunes. */
  abstract brokerNowMs(): UnixMs | null;
  /** When this process started, by the best guess at the moment of asking. */
  abstract startedAtMs(): UnixMs;
}
