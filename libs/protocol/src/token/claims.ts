// What a token says (SPEC §4.2): the claims, the rules that tie them together, and their one text. Pure.
import { base64urlLength } from '../bytes.js';
import { isTrustDomain } from '../identity/spiffe.js';
import { type GroupId, isUuidV7, type PeerId, type Requester, type TransactionId } from '../ids.js';
import { RETAIN_MS_MAX, SHARD_BYTES_MAX, TOKEN_USES_MAX } from '../limits.js';
import type { ContentId } from '../messages/fields.js';
import { formatTime, isTime, parseTime, type UnixMs } from '../time.js';
import { TOKEN_OPS, type TokenOp, tokenOpRow } from './token-ops.js';

const CONTENT_ID_BYTES = 32;

export interface TokenItem {
  readonly cid: ContentId;
  readonly sizeBytes: number;
}

/** One permission: `clientId` may do `op` with the items at `hostId`, between two times. */
export interface TokenClaims {
  readonly trustDomain: string;
  readonly hostId: PeerId;
  readonly clientId: Requester;
  readonly transactionId: TransactionId;
  readonly issuedAtMs: UnixMs;
  readonly notBeforeMs: UnixMs;
  readonly expiresAtMs: UnixMs;
  readonly op: TokenOp;
  /** None for probe and universal; more than one is a batch. No content id stands twice. */
  readonly items: readonly TokenItem[];
  /** stream, universal: most bytes that this token may move in total. */
  readonly maxBytes?: number;
  /** universal: most operations. */
  readonly maxUses?: number;
  /** put: the host keeps the shards at least until then, whoever asks for their deletion. */
  readonly retainUntilMs?: UnixMs;
  /** The group, when the same transaction goes to every member of one. */
  readonly groupId?: GroupId;
}

/** One value has one text: members in this order, those that a token does not have left out, no white space. */
export function encodeClaims(claims: TokenClaims): string {
  return JSON.stringify({
    iss: claims.trustDomain,
    aud: claims.hostId,
    sub: claims.clientId,
    jti: claims.transactionId,
    iat: formatTime(claims.issuedAtMs),
    nbf: formatTime(claims.notBeforeMs),
    exp: formatTime(claims.expiresAtMs),
    op: claims.op,
    items: claims.items.map(({ cid, sizeBytes }) => ({ cid, size: sizeBytes })),
    max: claims.maxBytes,
    uses: claims.maxUses,
    retain: claims.retainUntilMs === undefined ? undefined : formatTime(claims.retainUntilMs),
    grp: claims.groupId,
  });
}

/**
 * The claims, or null when the payload is not what encodeClaims writes for sound claims: another member, another
 * order, another type, a life that its op may not have.
 */
export function decodeClaims(payload: string): TokenClaims | null {
  const claims = readClaims(parseJson(payload));
  if (claims === null || !areSound(claims)) return null;
  // Instead of a list of what may not be there: whatever was not read is not written either, and the texts differ.
  return encodeClaims(claims) === payload ? claims : null;
}

/** Do the claims hold together: each value in its bounds, times in order, a life and members that the op may have? */
export function areSound(claims: TokenClaims): boolean {
  const row = tokenOpRow(claims.op);
  if (!isTrustDomain(claims.trustDomain)) return false;
  if ((claims.clientId === 'broker') !== (row.requester === 'broker')) return false;
  if (claims.groupId !== undefined && !row.mayBeOfGroup) return false;
  if (!isCountIf(row.hasMaxBytes, claims.maxBytes, Number.MAX_SAFE_INTEGER)) return false;
  if (!isCountIf(row.hasMaxUses, claims.maxUses, TOKEN_USES_MAX)) return false;
  return areItemsSound(claims) && areTimesSound(claims);
}

function areItemsSound({ op, items }: TokenClaims): boolean {
  const { itemsMin, itemsMax } = tokenOpRow(op);
  if (items.length < itemsMin || items.length > itemsMax) return false;
  if (!items.every(({ sizeBytes }) => isCount(sizeBytes, SHARD_BYTES_MAX))) return false;
  return items.length < 2 || new Set(items.map(({ cid }) => cid)).size === items.length;
}

function areTimesSound({ op, items, issuedAtMs, notBeforeMs, expiresAtMs, retainUntilMs }: TokenClaims): boolean {
  const row = tokenOpRow(op);
  if (!isTime(issuedAtMs) || !isTime(notBeforeMs) || !isTime(expiresAtMs)) return false;
  if (notBeforeMs < issuedAtMs || expiresAtMs <= notBeforeMs) return false;
  if (expiresAtMs - issuedAtMs > (items.length > 1 ? row.batchLifeMsMax : row.lifeMsMax)) return false;
  if (retainUntilMs === undefined) return true;
  if (!row.mayRetain || !isTime(retainUntilMs)) return false;
  return retainUntilMs > issuedAtMs && retainUntilMs - issuedAtMs <= RETAIN_MS_MAX;
}

/** Each member that we know, parsed once; null when one of them has another type. Its bounds are areSound's to judge. */
function readClaims(json: unknown): TokenClaims | null {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return null;
  const raw = json as Record<string, unknown>;
  const { iss, aud, sub, jti, op, max, uses, grp } = raw;
  if (typeof iss !== 'string' || !isId(aud) || !(sub === 'broker' || isId(sub)) || !isId(jti)) return null;
  if (typeof op !== 'string' || !Object.hasOwn(TOKEN_OPS, op)) return null;
  const [issuedAtMs, notBeforeMs, expiresAtMs] = [readTime(raw.iat), readTime(raw.nbf), readTime(raw.exp)];
  if (issuedAtMs === null || notBeforeMs === null || expiresAtMs === null) return null;
  const items = readItems(raw.items, tokenOpRow(op as TokenOp).itemsMax);
  const retainUntilMs = raw.retain === undefined ? undefined : readTime(raw.retain);
  if (items === null || retainUntilMs === null) return null;
  if (max !== undefined && typeof max !== 'number') return null;
  if (uses !== undefined && typeof uses !== 'number') return null;
  if (grp !== undefined && !isId(grp)) return null;
  const claims: { -readonly [M in keyof TokenClaims]: TokenClaims[M] } = {
    trustDomain: iss,
    hostId: aud as PeerId,
    clientId: sub as Requester,
    transactionId: jti as TransactionId,
    issuedAtMs,
    notBeforeMs,
    expiresAtMs,
    op: op as TokenOp,
    items,
  };
  // One by one: spreading an object for each costs more than the rest of the reading.
  if (max !== undefined) claims.maxBytes = max;
  if (uses !== undefined) claims.maxUses = uses;
  if (retainUntilMs !== undefined) claims.retainUntilMs = retainUntilMs;
  if (grp !== undefined) claims.groupId = grp as GroupId;
  return claims;
}

function readItems(json: unknown, itemsMax: number): readonly TokenItem[] | null {
  if (!Array.isArray(json) || json.length > itemsMax) return null;
  const items: TokenItem[] = [];
  for (const item of json as unknown[]) {
    if (typeof item !== 'object' || item === null) return null;
    const { cid, size } = item as Record<string, unknown>;
    if (typeof cid !== 'string' || base64urlLength(cid) !== CONTENT_ID_BYTES) return null;
    if (typeof size !== 'number') return null;
    items.push({ cid: cid as ContentId, sizeBytes: size });
  }
  return items;
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && isUuidV7(value);
}

function isCount(value: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= 1 && value <= max;
}

/** A member that its op either must have, within bounds, or must not have. */
function isCountIf(wanted: boolean, value: number | undefined, max: number): boolean {
  return value === undefined ? !wanted : wanted && isCount(value, max);
}

function readTime(value: unknown): UnixMs | null {
  return typeof value === 'string' ? parseTime(value) : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
