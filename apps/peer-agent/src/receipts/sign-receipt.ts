// A receipt is signed for what was done, and for nothing else: its argument exists only after the bytes are safe or served.
import { encodeReceipt, type PeerId, type SignBytes, type UnixMs } from '#protocol';
import type { ServedShard, StoredShard } from '../shards/disk-shard-store.js';

declare const receipt: unique symbol;

/** The text of a receipt (SPEC §7). Made in this file only. */
export type Receipt = string & { readonly [receipt]: true };

export interface ReceiptSigner {
  readonly peerId: PeerId;
  readonly trustDomain: string;
  readonly sign: SignBytes;
}

/** atMs: broker time, as the host knows it */
export function signReceipt(done: StoredShard | ServedShard, host: ReceiptSigner, atMs: UnixMs): Receipt {
  const { token } = done;
  return encodeReceipt(
    {
      trustDomain: host.trustDomain,
      transactionId: token.transactionId,
      op: token.op,
      hostId: host.peerId,
      clientId: token.clientId,
      items: [{ ...token.items[0], result: token.op === 'put' ? 'stored' : 'served' }],
      timeMs: atMs,
    },
    host.sign,
  ) as Receipt;
}
