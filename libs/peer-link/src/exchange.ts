// One HTTP exchange with a host on undici's dispatch interface: bytes go and come without a stream in between.
import type { Dispatcher, Pool } from 'undici';
import { connectionRefusal } from '#peer-home';
import { ProtocolError } from '#protocol';
import { PEER_CODES } from './host-connections.js';

export type AnswerHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Where an answer goes. What it throws ends the exchange with that error; nothing comes while it returns a promise. */
export interface AnswerSink {
  start(status: number, headers: AnswerHeaders): void;
  data(chunk: Uint8Array): void | Promise<void>;
}

export interface ExchangeOptions {
  readonly pool: Pool;
  readonly request: Omit<Dispatcher.DispatchOptions, 'origin'>;
  readonly sink: AnswerSink;
  readonly signal: AbortSignal;
}

/**
 * Send a request and hand its answer to the sink. An answer that arrives whole while the request is still being sent
 * counts: the failure of the sending is then of no interest.
 *
 * returns  the trailers
 * throws   what the sink throws; the signal's ProtocolError, or interrupted, when aborted; peer_unreachable | peer_untrusted
 */
export async function exchange({ pool, request, sink, signal }: ExchangeOptions): Promise<AnswerHeaders> {
  let onAbort = (): void => undefined;
  try {
    return await new Promise<AnswerHeaders>((resolve, reject) => {
      let controller: Dispatcher.DispatchController | null = null;
      onAbort = () => {
        // A request that waits for a connection has no controller yet: it is dropped when its turn comes.
        controller?.abort(abortError(signal));
        reject(abortError(signal));
      };
      signal.addEventListener('abort', onAbort);
      if (signal.aborted) return onAbort();
      pool.dispatch(request as Dispatcher.DispatchOptions, {
        onRequestStart: (started) => {
          controller = started;
          if (signal.aborted) onAbort();
        },
        onResponseStart: (_controller, status, headers) => {
          if (status >= 200) sink.start(status, headers);
        },
        onResponseData: (controller, chunk) => {
          const taking = sink.data(chunk);
          if (taking === undefined) return;
          controller.pause();
          taking.then(
            () => controller.resume(),
            (error: Error) => {
              controller.abort(error);
              reject(error);
            },
          );
        },
        onResponseEnd: (_controller, trailers) => resolve(trailers),
        onResponseError: (_controller, error) => reject(error),
      });
    });
  } catch (error) {
    throw error instanceof Error ? connectionRefusal(error, PEER_CODES) : error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** An abort with a refusal of ours (too slow) is that refusal; any other is somebody's wish to stop. */
function abortError(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof ProtocolError ? reason : new ProtocolError('interrupted', {}, { cause: reason });
}
