// How fast a host is, from what clients measured: recent transfers count most. Pure.

export interface Speed {
  readonly bytesPerSecond: number;
  readonly samples: number;
}

export interface MeasuredTransfer {
  readonly bytes: number;
  readonly tookMs: number;
}

/** What one transfer changes, once there are enough. */
const SAMPLE_WEIGHT = 1 / 16;
/** Below, a transfer is all greeting and no bytes. */
const MEASURED_BYTES_MIN = 64 * 1024;

/**
 * The mean of the first transfers, then exponentially weighted; as times, not speeds, so that one lie about a quick transfer
 * weighs no more than a slow one. Null where the transfer tells nothing.
 */
export function speedAfter(before: Speed | undefined, { bytes, tookMs }: MeasuredTransfer): Speed | null {
  if (bytes < MEASURED_BYTES_MIN || tookMs <= 0) return null;
  const secondsPerByte = tookMs / 1_000 / bytes;
  if (before === undefined) return { bytesPerSecond: 1 / secondsPerByte, samples: 1 };
  const samples = before.samples + 1;
  const weight = Math.max(SAMPLE_WEIGHT, 1 / samples);
  const mean = (1 - weight) / before.bytesPerSecond + weight * secondsPerByte;
  return { bytesPerSecond: 1 / mean, samples };
}
