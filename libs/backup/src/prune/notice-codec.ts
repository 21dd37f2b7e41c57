/**
 * Notices: what machines of one account tell each other about deletions, each an object of its own. Pure.
 *
 * One JSON document, UTF-8, in one chunk; members in the order below; only the encoder's own bytes are accepted.
 *
 * mark   these objects are to be deleted when `graceMs` have passed since the broker was asked to store the notice. A mark
 *        is final: it stands for as long as one of its objects is stored
 * hold   a run needs these objects, and those stored at or after `since`: no prune marks or deletes them while the hold
 *        lives, `lifeMs` long or until its run ends it
 */
import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { isUuidV7, type ObjectId, type PeerId, ProtocolError, parseTime } from '#protocol';
import { damaged, parseJson } from '../trees/damaged.js';
import { GRACE_MS_MAX, HOLD_LIFE_MS, NOTICE_BYTES_MAX, NOTICE_OBJECTS_MAX } from './prune-limits.js';

export const NOTICE_VERSION = 1;

const uuid = <T extends string>() =>
  z
    .string()
    .refine(isUuidV7)
    .transform((text) => text as T);
const objects = z.array(uuid<ObjectId>()).max(NOTICE_OBJECTS_MAX);
const head = { peerkeep: z.literal('notice'), version: z.literal(NOTICE_VERSION) };

const markSchema = z.strictObject({
  ...head,
  notice: z.literal('mark'),
  machineId: uuid<PeerId>(),
  graceMs: z.int().min(0).max(GRACE_MS_MAX),
  objects,
});
const holdSchema = z.strictObject({
  ...head,
  notice: z.literal('hold'),
  machineId: uuid<PeerId>(),
  lifeMs: z.int().min(0).max(HOLD_LIFE_MS),
  since: z
    .string()
    .refine((text) => parseTime(text) !== null)
    .nullable(),
  objects,
});
const headSchema = z.object({ peerkeep: z.literal('notice'), version: z.int().min(1) });
const noticeSchema = z.discriminatedUnion('notice', [markSchema, holdSchema]);

export type MarkNotice = Omit<z.infer<typeof markSchema>, keyof typeof head>;
export type HoldNotice = Omit<z.infer<typeof holdSchema>, keyof typeof head>;
export type Notice = MarkNotice | HoldNotice;

/** The bytes of a notice. Values over a bound are a mistake of the caller, so they throw what the schema throws. */
export function encodeNotice(notice: Notice): Buffer {
  return bytesOf(noticeSchema.parse({ peerkeep: 'notice', version: NOTICE_VERSION, ...notice }));
}

/** throws format_unsupported for a later version | snapshot_damaged for anything that the encoder does not make */
export function decodeNotice(bytes: Uint8Array): Notice {
  if (bytes.length > NOTICE_BYTES_MAX) throw damaged('notice', 'too long');
  if (!isUtf8(bytes)) throw damaged('notice', 'not UTF-8');
  const document = parseJson('notice', Buffer.from(bytes).toString());
  const found = headSchema.safeParse(document);
  if (!found.success) throw damaged('notice', 'no header');
  if (found.data.version > NOTICE_VERSION) {
    throw new ProtocolError('format_unsupported', { part: 'notice', version: found.data.version });
  }
  const parsed = noticeSchema.safeParse(document);
  if (!parsed.success) throw damaged('notice', 'breaks its schema');
  if (!bytesOf(parsed.data).equals(bytes)) throw damaged('notice', 'not canonical');
  const { peerkeep: _document, version: _version, ...notice } = parsed.data;
  return notice;
}

/** Zod gives the members in the order of the schema, whatever order the caller's object has. */
function bytesOf(document: z.infer<typeof noticeSchema>): Buffer {
  return Buffer.from(JSON.stringify(document));
}
