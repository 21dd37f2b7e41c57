// Every kind of secret that the broker seals, and where it is kept. The key vault seals no other kind, so that a rotation
// of the key-encryption key, which goes through this list, can forget none.
import type { DataDir } from '../config/data-dir.js';

/** In a column of the database, a row each. */
export interface SealedColumn {
  readonly kept: 'column';
  readonly table: string;
  readonly column: string;
  /** Columns of the primary key, all of them texts. */
  readonly primaryKey: readonly string[];
  /** Whose secret it is, from the columns of the primary key: a text moved to another row does not open. */
  readonly about: (row: Readonly<Record<string, string>>) => string;
}

/** In a file of its own in the data directory. */
export interface SealedFile {
  readonly kept: 'file';
  readonly path: (dataDir: DataDir) => string;
  readonly about: string;
}

export const SEALED_SECRETS = {
  'transaction-key': {
    kept: 'column',
    table: 'transaction_keys',
    column: 'sealed_key',
    primaryKey: ['peer_id', 'kid'],
    about: ({ peer_id, kid }) => `${kid}/${peer_id}`,
  },
  'escrow-secret': {
    kept: 'column',
    table: 'escrow_secrets',
    column: 'sealed_secret',
    primaryKey: ['name'],
    about: ({ name }) => `${name}`,
  },
  // What a change through the admin interface answered: some answers tell a new key, once.
  'admin-answer': {
    kept: 'column',
    table: 'admin_answers',
    column: 'sealed_answer',
    primaryKey: ['key_id', 'idempotency_key'],
    about: ({ key_id, idempotency_key }) => `${key_id}/${idempotency_key}`,
  },
  'signing-key': {
    kept: 'column',
    table: 'broker_signing_keys',
    column: 'sealed_private_key',
    primaryKey: ['kid'],
    about: ({ kid }) => `${kid}`,
  },
  'lan-key': {
    kept: 'column',
    table: 'lan_epochs',
    column: 'sealed_key',
    primaryKey: ['epoch'],
    about: ({ epoch }) => `${epoch}`,
  },
  'ca-key': { kept: 'file', path: ({ caKey }) => caKey, about: 'peerkeep/1/ca' },
} as const satisfies Record<string, SealedColumn | SealedFile>;

/** One child key per kind, so that a sealed secret can never be opened as one of another kind. */
export type SecretKind = keyof typeof SEALED_SECRETS;
export const SECRET_KINDS = Object.keys(SEALED_SECRETS) as SecretKind[];

export function sealedPlace(kind: SecretKind): SealedColumn | SealedFile {
  return SEALED_SECRETS[kind];
}
