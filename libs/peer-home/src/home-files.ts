// What the files of a home are called and what they hold; parsing is strict, damage is home_corrupt.
import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import {
  accountIdField,
  bytesField,
  decodeBase64url,
  encodeBase64url,
  formatTime,
  KEY_BYTES,
  OFFLINE_KEYS_MAX,
  OfflineKey,
  PREVIOUS_KEYS_MAX,
  ProtocolError,
  parseTime,
  peerIdField,
  peerNameField,
  TRUST_DOMAIN_CHARS_MAX,
  TransactionKey,
  timeField,
  type UnixMs,
} from '#protocol';

export const HOME_FILES = {
  peer: 'peer.json',
  identityKey: 'identity.key',
  certificate: 'certificate.pem',
  authority: 'ca.pem',
  transactionKeys: 'transaction-keys.json',
  masterKey: 'master.key',
  /** A master key that `init` has made but not finished with. */
  masterKeyDraft: 'master.key.draft',
  /** What the broker told of the network. */
  network: 'network.json',
} as const;

const peerFile = z.strictObject({
  peerId: peerIdField,
  accountId: accountIdField,
  name: peerNameField,
  trustDomain: z.string().min(1).max(TRUST_DOMAIN_CHARS_MAX),
  broker: z.strictObject({ host: z.string().min(1), port: z.int().min(1).max(65_535) }),
  /** Disk donated to others; absent on a machine that stores nothing for them. */
  shareBytes: z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
});
export type PeerFile = z.infer<typeof peerFile>;

const replacedKey = z.strictObject({ key: bytesField(KEY_BYTES), until: timeField });
const transactionKeysFile = z.strictObject({
  current: bytesField(KEY_BYTES),
  previous: replacedKey.optional(),
  /** Those before the previous one, while tokens under them may live. */
  older: z.array(replacedKey).max(PREVIOUS_KEYS_MAX).optional(),
  /** The offline keys of those that were replaced, while tokens of recovery kits under them may live. */
  offline: z.array(replacedKey).max(OFFLINE_KEYS_MAX).optional(),
});

/** A key that was replaced, good for tokens until `untilMs` by the broker's time. */
export interface ReplacedKey {
  readonly key: TransactionKey;
  readonly untilMs: UnixMs;
}

/** The offline key of one that was replaced, good for tokens of recovery kits until `untilMs`. */
export interface ReplacedOfflineKey {
  readonly key: OfflineKey;
  readonly untilMs: UnixMs;
}

export interface TransactionKeys {
  readonly current: TransactionKey;
  readonly previous: ReplacedKey | null;
  /** Those before the previous one. */
  readonly older: readonly ReplacedKey[];
  readonly offline: readonly ReplacedOfflineKey[];
}

export interface HomeCertificate {
  readonly pem: string;
  readonly notAfterMs: UnixMs;
}

export function parsePeerFile(text: string): PeerFile {
  return parseJson(text, peerFile, HOME_FILES.peer);
}

export function formatPeerFile(file: PeerFile): string {
  return `${JSON.stringify(file, null, 2)}\n`;
}

export function parseTransactionKeys(text: string): TransactionKeys {
  const {
    current,
    previous,
    older = [],
    offline = [],
  } = parseJson(text, transactionKeysFile, HOME_FILES.transactionKeys);
  return {
    current: new TransactionKey(decodeBase64url(current)!),
    previous: previous === undefined ? null : replacedKeyFrom(previous),
    older: older.map(replacedKeyFrom),
    offline: offline.map(({ key, until }) => ({
      key: new OfflineKey(decodeBase64url(key)!),
      untilMs: parseTime(until)!,
    })),
  };
}

export function formatTransactionKeys({ current, previous, older, offline }: TransactionKeys): string {
  const file: z.input<typeof transactionKeysFile> = {
    current: encodeBase64url(current.bytes),
    ...(previous === null ? {} : { previous: textOf(previous) }),
    ...(older.length === 0 ? {} : { older: older.map(textOf) }),
    ...(offline.length === 0 ? {} : { offline: offline.map(textOf) }),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

function replacedKeyFrom({ key, until }: z.infer<typeof replacedKey>): ReplacedKey {
  return { key: new TransactionKey(decodeBase64url(key)!), untilMs: parseTime(until)! };
}

function textOf({ key, untilMs }: ReplacedKey | ReplacedOfflineKey): z.input<typeof replacedKey> {
  return { key: encodeBase64url(key.bytes), until: formatTime(untilMs) };
}

export function parseCertificate(pem: string): HomeCertificate {
  try {
    return { pem, notAfterMs: Date.parse(new X509Certificate(pem).validTo) };
  } catch (error) {
    throw new ProtocolError('home_corrupt', { file: HOME_FILES.certificate }, { cause: error });
  }
}

/** 32 bytes as one line of base64url. */
export function parseMasterKey(text: string): Uint8Array {
  const bytes = decodeBase64url(text.trimEnd());
  if (bytes?.length !== KEY_BYTES) throw new ProtocolError('home_corrupt', { file: HOME_FILES.masterKey });
  return bytes;
}

export function formatMasterKey(bytes: Uint8Array): string {
  return `${encodeBase64url(bytes)}\n`;
}

/** throws home_corrupt */
export function parseJson<T>(text: string, schema: z.ZodType<T>, file: string): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new ProtocolError('home_corrupt', { file }, { cause: error });
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new ProtocolError('home_corrupt', { file }, { cause: parsed.error });
  return parsed.data;
}
