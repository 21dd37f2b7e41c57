// Where a dump goes: a stream that takes bytes no faster than somebody reads them.
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { ProtocolError } from '#protocol';

/** Writes to a stream, and waits whenever it is full. */
export class DumpSink {
  /** Bytes that were written. */
  bytes = 0;

  constructor(
    readonly stream: Writable,
    readonly signal: AbortSignal,
  ) {}

  /** throws interrupted | the error of the stream */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.signal.aborted) throw new ProtocolError('interrupted');
    if (this.stream.errored !== null) throw this.stream.errored;
    this.bytes += bytes.length;
    if (!this.stream.write(bytes)) await once(this.stream, 'drain', { signal: this.signal });
  }
}
