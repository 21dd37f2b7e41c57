// A shard on its way to a host: in slices that grow while the socket is quick, so that the least rate can be judged.
import { type Clock, keepingAlive } from '#process';
import type { Bandwidth } from './bandwidth.js';
import { SLICE_BYTES_MAX, SLICE_BYTES_MIN, SLICE_MS_QUICK } from './limits.js';
import type { RateWatch } from './rate-watch.js';

export interface Sending {
  readonly watch: RateWatch;
  readonly clock: Clock;
  readonly upload: Bandwidth;
  readonly signal: AbortSignal;
}

/** The shard in slices; each one asked for means that the socket has taken the one before. */
export async function* slices(
  bytes: Uint8Array,
  { watch, clock, upload, signal }: Sending,
): AsyncGenerator<Uint8Array, void, undefined> {
  watch.start();
  let sliceBytes = SLICE_BYTES_MIN;
  for (let offset = 0; offset < bytes.length; ) {
    // The last slice is small: the socket takes it before the host can answer, and so the connection can be kept.
    const left = bytes.length - offset;
    const wanted = Math.min(left, sliceBytes, Math.max(left - SLICE_BYTES_MIN, SLICE_BYTES_MIN));
    const granting = upload.take(wanted, signal);
    const granted = typeof granting === 'number' ? granting : await heldBack(granting, watch);
    const slice = bytes.subarray(offset, offset + granted);
    const handedMs = clock.monotonicMs();
    yield slice;
    watch.moved(slice.length);
    offset += slice.length;
    const wasQuick = clock.monotonicMs() - handedMs <= SLICE_MS_QUICK;
    sliceBytes = wasQuick ? Math.min(2 * sliceBytes, SLICE_BYTES_MAX) : SLICE_BYTES_MIN;
  }
  // From here the host makes the shard durable and answers, within ANSWER_MS_MAX.
  watch.stop();
}

/** Wait for our own limit, which says nothing about the host. A connection that is not read keeps no process alive. */
export async function heldBack<T>(granting: Promise<T>, watch: RateWatch): Promise<T> {
  watch.pause();
  try {
    return await keepingAlive(granting);
  } finally {
    watch.resume();
  }
}
