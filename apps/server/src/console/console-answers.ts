// What the console's routes take and tell: only of the account that is signed in.
import { z } from 'zod';
import {
  changedByField,
  listedPeer,
  PEERS_PER_PAGE_MAX,
  peerIdField,
  peerNameField,
  peerStateField,
  stateCodeField,
  timeField,
} from '#protocol';

const count = z.int().min(0);
const bytes = count.nullable();

export const consoleSession = z.strictObject({
  name: z.string(),
  /** Goes with every request that changes something, as `x-form-token`. */
  formToken: z.string(),
});
export type ConsoleSession = z.infer<typeof consoleSession>;

export const machinesQuery = z.strictObject({
  after: peerIdField.optional(),
  limit: z.coerce.number().int().min(1).max(PEERS_PER_PAGE_MAX).optional(),
});
export type MachinesQuery = z.infer<typeof machinesQuery>;

export const ownMachine = listedPeer.extend({
  /** It stores for others, or did. */
  isHost: z.boolean(),
  /** It stores for others, and said so lately. */
  isOnline: z.boolean(),
  shareBytes: bytes,
  usedBytes: bytes,
  freeBytes: bytes,
  certificateIssuedAt: timeField,
  certificateExpiresAt: timeField,
});
export type OwnMachine = z.infer<typeof ownMachine>;
export const machinePage = z.strictObject({ items: z.array(ownMachine), next: peerIdField.nullable() });
export type MachinePage = z.infer<typeof machinePage>;

/** The newest first. */
export const machineChanges = z.strictObject({
  items: z.array(
    z.strictObject({
      from: peerStateField,
      to: peerStateField,
      by: changedByField,
      code: stateCodeField,
      reason: z.string(),
      at: timeField,
    }),
  ),
});
export type MachineChanges = z.infer<typeof machineChanges>;

/** `name`: as the person typed it, which must be the machine's. */
export const revokeMachineRequest = z.strictObject({ name: peerNameField });
export type RevokeMachineRequest = z.infer<typeof revokeMachineRequest>;

/** What the broker knows of a machine's backups: it never sees a name of a file. */
export const machineBackups = z.strictObject({
  /** Null for objects of which no machine was written down. */
  peerId: peerIdField.nullable(),
  name: peerNameField.nullable(),
  /** When its last snapshot that is safe was begun. */
  lastSnapshotAt: timeField.nullable(),
  /** Stored and not deleted, before coding. */
  objects: count,
  bytes: z.string(),
  hosts: count,
  /** With fewer shards than they were coded into. */
  belowFull: count,
  /** With fewer than make them safe. */
  belowSafe: count,
  classes: z.array(z.strictObject({ durability: z.string(), objects: count, bytes: z.string() })),
});
export type MachineBackups = z.infer<typeof machineBackups>;
export const backupsAnswer = z.strictObject({ items: z.array(machineBackups) });
export type BackupsAnswer = z.infer<typeof backupsAnswer>;
