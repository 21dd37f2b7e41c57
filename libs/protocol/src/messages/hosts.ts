// Which hosts hold the shards of an account, as its machines see them.
import { z } from 'zod';
import { HOSTS_PER_PAGE_MAX } from '../limits.js';
import { bytesCountField, peerIdField, peerNameField, timeField } from './fields.js';
import { peerStateField } from './peers.js';

/** `GET /v1/hosts` */
export const listHostsQuery = z.strictObject({
  after: peerIdField.optional(),
  limit: z.coerce.number().int().min(1).max(HOSTS_PER_PAGE_MAX).optional(),
});
export type ListHostsQuery = z.infer<typeof listHostsQuery>;

export const listedHost = z.strictObject({
  peerId: peerIdField,
  /** Of the account's own machines; null for those of others. */
  name: peerNameField.nullable(),
  shards: z.int().min(1),
  bytes: bytesCountField,
  state: peerStateField,
  online: z.boolean(),
  /** Of the times that it was asked whether it is there: 0 to 1; null before the first. */
  uptime: z.number().min(0).max(1).nullable(),
  /** As clients measured it; null where none has. */
  bytesPerSecond: z.int().min(0).nullable(),
  seenAt: timeField.nullable(),
});
export type ListedHost = z.infer<typeof listedHost>;

/** `total`, `networks` and `operators` are of all hosts; `operators` counts those that are distinct in distinct networks. */
export const listHostsAnswer = z.strictObject({
  hosts: z.array(listedHost),
  total: z.int().min(0),
  networks: z.int().min(0),
  operators: z.int().min(0),
  next: peerIdField.nullable(),
});
export type ListHostsAnswer = z.infer<typeof listHostsAnswer>;
