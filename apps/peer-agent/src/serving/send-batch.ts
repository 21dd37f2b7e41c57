// Sends a shard, or a part of one, batch by batch: at the pace of the peer, and to the end or plainly incomplete.
import type { ServerResponse } from 'node:http';
import type { Progress } from '../shards/receive-shard.js';
import { CutOff } from './cut-off.js';

/** Name of the trailer, and of the header on a repeat. */
export const RECEIPT_FIELD = 'peerkeep-receipt';

export interface Batch {
  readonly response: ServerResponse;
  /** Goes out with the first batch: a shard that is bad from the start is answered with a problem document. */
  readonly head: { readonly status: number; readonly headers: Readonly<Record<string, string>> };
  readonly batch: Uint8Array;
  readonly progress: Progress;
}

/** Resolves when the socket has taken the batch; throws CutOff. */
export function sendBatch({ response, head, batch, progress }: Batch): Promise<void> {
  if (!response.destroyed && !response.headersSent) {
    response.writeHead(head.status, {
      'content-type': 'application/octet-stream',
      trailer: RECEIPT_FIELD,
      ...head.headers,
    });
  }
  return sendBytes(response, batch, progress);
}

/** The same, where the head has gone out. */
export function sendBytes(response: ServerResponse, batch: Uint8Array, progress: Progress): Promise<void> {
  if (response.destroyed) return Promise.reject(new CutOff());
  return new Promise((resolve, reject) => {
    let ended = false;
    const end = (settle: () => void): void => {
      if (ended) return;
      ended = true;
      response.off('close', onClose);
      // Of a batch that was cut off some may have gone out: it counts as a whole.
      progress.bytesMoved += batch.length;
      progress.bytesSent += batch.length;
      settle();
    };
    const onClose = (): void => end(() => reject(new CutOff()));
    response.once('close', onClose);
    response.write(batch, (error) => end(() => (error ? reject(new CutOff(error)) : resolve())));
  });
}
