// Neighbours on a local network: the broker approves who answers, permits what is fetched, and hears of liars (SPEC §14).
import { z } from 'zod';
import { LAN_GET_ITEMS_MAX, LAN_REPORTS_MAX } from '../limits.js';
import {
  aliasField,
  contentIdField,
  lanTaskIdField,
  objectIdField,
  peerIdField,
  shardIndexField,
  shardSizeField,
  statementField,
  timeField,
  transactionIdField,
} from './fields.js';
import { tokenField } from './transactions.js';

/** `POST /v1/approvals`: the caller wants to answer this task at this address of its own. */
export const approvalRequest = z.strictObject({ taskId: lanTaskIdField, alias: aliasField });
export type ApprovalRequest = z.infer<typeof approvalRequest>;

export const approvalAnswer = z.strictObject({ approval: statementField, expiresAt: timeField });
export type ApprovalAnswer = z.infer<typeof approvalAnswer>;

/** `POST /v1/lan-gets`: tokens to get shards from one neighbour that says it has them, known to the broker as their host or not. */
export const lanGetRequest = z.strictObject({
  hostId: peerIdField,
  items: z
    .array(
      z.strictObject({
        objectId: objectIdField,
        index: shardIndexField,
        cid: contentIdField,
        sizeBytes: shardSizeField,
      }),
    )
    .min(1)
    .max(LAN_GET_ITEMS_MAX),
});
export type LanGetRequest = z.infer<typeof lanGetRequest>;

/** Those that the caller may not get are left out. */
export const lanGetAnswer = z.strictObject({
  permissions: z.array(z.strictObject({ cid: contentIdField, transactionId: transactionIdField, token: tokenField })),
});
export type LanGetAnswer = z.infer<typeof lanGetAnswer>;

/** `POST /v1/lan-reports`: neighbours whose answer was not approved, or who sent other bytes. */
export const lanReportRequest = z.strictObject({
  items: z
    .array(z.strictObject({ peerId: peerIdField, taskId: lanTaskIdField, code: z.string().max(48), at: timeField }))
    .max(LAN_REPORTS_MAX),
});
export type LanReportRequest = z.infer<typeof lanReportRequest>;
