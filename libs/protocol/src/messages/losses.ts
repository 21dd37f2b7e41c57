// Losses: a host says by itself that it has some shards no more, because its disk lost or spoiled them.
import { z } from 'zod';
import { LOSSES_PER_REQUEST_MAX } from '../limits.js';
import { contentIdField } from './fields.js';

/** `POST /v1/losses`: content that this host was given. The same again, and content that it never had, change nothing. */
export const lossesRequest = z.strictObject({
  cids: z.array(contentIdField).min(1).max(LOSSES_PER_REQUEST_MAX),
});
export type LossesRequest = z.infer<typeof lossesRequest>;
