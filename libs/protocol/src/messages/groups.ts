// Groups of peers (B14): peers apply, the owner decides, and one transaction goes to every member at once.
import { z } from 'zod';
import {
  BATCH_ITEMS_MAX,
  GROUP_APPLICANTS_MAX,
  GROUP_MEMBERS_MAX,
  GROUP_NAME_CHARS_MAX,
  GROUPS_PER_ACCOUNT_MAX,
  GROUPS_PER_PEER_MAX,
} from '../limits.js';
import {
  contentIdField,
  groupIdField,
  peerAddressField,
  peerIdField,
  shardSizeField,
  timeField,
  transactionIdField,
} from './fields.js';
import { batchTokenField } from './transactions.js';

/** What people call a group, on one line. Half a surrogate pair is no text: stored and read again, it is longer. */
export const groupNameField = z
  .string()
  .min(1)
  .max(GROUP_NAME_CHARS_MAX)
  .regex(/^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]*$/u);

/** `POST /v1/groups`: a group that the account of the asking peer owns, and that the asking peer is a member of. */
export const createGroupRequest = z.strictObject({ name: groupNameField });
export type CreateGroupRequest = z.infer<typeof createGroupRequest>;

export const createGroupAnswer = z.strictObject({ groupId: groupIdField });
export type CreateGroupAnswer = z.infer<typeof createGroupAnswer>;

/** `POST /v1/groups/{groupId}/applications` and `/departures` have an empty body and an empty answer. */
export const groupPath = z.strictObject({ groupId: groupIdField });
export type GroupPath = z.infer<typeof groupPath>;

/** `POST /v1/groups/{groupId}/decisions`, by a peer of the owner's account. Not accepting a member ends its membership. */
export const decideMembershipRequest = z.strictObject({ peerId: peerIdField, accept: z.boolean() });
export type DecideMembershipRequest = z.infer<typeof decideMembershipRequest>;

/** What the asking peer is in a group; `none` is only told to the owner. */
export const groupStandingField = z.enum(['member', 'applicant', 'none']);
export type GroupStanding = z.infer<typeof groupStandingField>;

/** `members` and `applicants` are told to the owner only; null for everybody else. */
export const listedGroup = z.strictObject({
  groupId: groupIdField,
  name: groupNameField,
  owned: z.boolean(),
  standing: groupStandingField,
  members: z.array(peerIdField).max(GROUP_MEMBERS_MAX).nullable(),
  applicants: z.array(peerIdField).max(GROUP_APPLICANTS_MAX).nullable(),
});
export type ListedGroup = z.infer<typeof listedGroup>;

/** `GET /v1/groups`: those that the account owns, and those that the peer is in or has applied to. */
export const listGroupsAnswer = z.strictObject({
  groups: z.array(listedGroup).max(GROUPS_PER_ACCOUNT_MAX + GROUPS_PER_PEER_MAX),
});
export type ListGroupsAnswer = z.infer<typeof listGroupsAnswer>;

/** `POST /v1/group-transactions`, by a member: the same for every other member that is there. */
export const beginGroupRequest = z.strictObject({
  groupId: groupIdField,
  op: z.enum(['put', 'get', 'delete']),
  items: z
    .array(z.strictObject({ cid: contentIdField, sizeBytes: shardSizeField }))
    .min(1)
    .max(BATCH_ITEMS_MAX),
});
export type BeginGroupRequest = z.infer<typeof beginGroupRequest>;

/**
 * One transaction, a token per member under that member's own key. `items` are positions in the request, in the order
 * of the token: of a get or a delete, those that this member has.
 */
export const beginGroupAnswer = z.strictObject({
  transactionId: transactionIdField,
  expiresAt: timeField,
  permissions: z
    .array(
      z.strictObject({
        host: peerAddressField,
        token: batchTokenField,
        items: z
          .array(
            z
              .int()
              .min(0)
              .max(BATCH_ITEMS_MAX - 1),
          )
          .min(1)
          .max(BATCH_ITEMS_MAX),
      }),
    )
    .max(GROUP_MEMBERS_MAX),
  offline: z.array(peerIdField).max(GROUP_MEMBERS_MAX),
});
export type BeginGroupAnswer = z.infer<typeof beginGroupAnswer>;
