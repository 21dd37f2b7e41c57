// An answer under the limit of what this process receives: what has come is paid for before more is read.
import type { Bandwidth } from './bandwidth.js';
import type { AnswerSink } from './exchange.js';
import type { RateWatch } from './rate-watch.js';
import { heldBack } from './slices.js';

export interface Receiving {
  readonly download: Bandwidth;
  readonly watch: RateWatch;
  readonly signal: AbortSignal;
}

/** The same sink; the connection is not read while its bytes wait for the limit. */
export function limitedSink(sink: AnswerSink, { download, watch, signal }: Receiving): AnswerSink {
  const pay = async (bytes: number, paying: number | Promise<number>): Promise<void> => {
    let left = bytes - (await paying);
    while (left > 0) left -= await download.take(left, signal);
  };
  return {
    start: (status, headers) => sink.start(status, headers),
    data: (chunk) => {
      const handing = sink.data(chunk);
      const paying = download.take(chunk.length, signal);
      if (paying === chunk.length) return handing;
      const held = heldBack(pay(chunk.length, paying), watch);
      return handing === undefined ? held : Promise.all([handing, held]).then(() => undefined);
    },
  };
}
