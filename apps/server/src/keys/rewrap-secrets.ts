// Seals anew, under the current key-encryption key, what is sealed under the one before: a few rows at a time, so that
// everybody else's writes go on between.
import { readFile } from 'node:fs/promises';
import type { EntityManager } from 'typeorm';
import { changeMany } from '#database';
import { writeFileDurably } from '#process';
import { ProtocolError } from '#protocol';
import type { DataDir } from '../config/data-dir.js';
import { REWRAPPED_AT_ONCE_MAX, SEALED_AT_ONCE_MAX } from '../limits.js';
import type { BrokerDatabase } from '../platform/broker-database.js';
import type { KeyVault } from './key-vault.js';
import { SECRET_KINDS, type SealedColumn, type SealedFile, type SecretKind, sealedPlace } from './sealed-secrets.js';

export interface Rewrapping {
  readonly database: BrokerDatabase;
  readonly vault: KeyVault;
  readonly dataDir: DataDir;
  /** Secrets sealed anew so far, since the start of this run. Called inside the unit that holds the last of them. */
  readonly onRewrapped: (db: EntityManager, rewrapped: number) => Promise<void>;
  /** Asked between batches: true leaves the rest for another time. */
  readonly isStopping: () => boolean;
}

type Row = Readonly<Record<string, string>>;
interface RenewedRow {
  readonly row: Row;
  readonly sealed: string;
}

/**
 * One pass over every place of sealed-secrets.ts; returns how many secrets were sealed anew. After a pass that found
 * none, and with no older write unit under way, nothing is sealed under another key.
 *
 * throws   data_dir_corrupt for a secret that does not open
 */
export async function rewrapSecrets(rewrapping: Rewrapping, before = 0): Promise<number> {
  let rewrapped = before;
  for (const kind of SECRET_KINDS) {
    const place = sealedPlace(kind);
    rewrapped =
      place.kept === 'file'
        ? rewrapped + (await rewrapFile(rewrapping, kind, place))
        : await rewrapColumn(rewrapping, kind, place, rewrapped);
  }
  return rewrapped - before;
}

/** Rows sealed under another key than the current one, over all places in the database. Exact inside a write unit. */
export async function countOldRows(db: EntityManager, vault: KeyVault): Promise<number> {
  let old = 0;
  for (const kind of SECRET_KINDS) {
    const place = sealedPlace(kind);
    if (place.kept === 'file') continue;
    const { table, column } = place;
    const [row] = await db.query<{ rows: number | string }[]>(
      `SELECT COUNT(*) AS rows FROM ${table} WHERE ${column} IS NOT NULL AND ${column} NOT LIKE '${vault.currentKeyId}.%'`,
    );
    old += Number(row?.rows ?? 0);
  }
  return old;
}

async function rewrapColumn(
  { database, vault, onRewrapped, isStopping }: Rewrapping,
  kind: SecretKind,
  place: SealedColumn,
  before: number,
): Promise<number> {
  let rewrapped = before;
  let after: Row | null = null;
  while (!isStopping()) {
    const rows: Row[] = await readRows(database.reads, place, after);
    after = rows.at(-1) ?? null;
    if (after === null) break;
    const old = rows.filter((row) => !vault.isCurrent(row[place.column]!));
    if (old.length === 0) continue;
    const renewed = await resealAll(vault, kind, place, old);
    const written = rewrapped;
    rewrapped = await database.write(async (db) => {
      const total = written + (await writeRows(db, place, renewed));
      await onRewrapped(db, total);
      return total;
    });
  }
  return rewrapped;
}

/** A few milliseconds of the processor at a time: requests are answered between. */
async function resealAll(
  vault: KeyVault,
  kind: SecretKind,
  place: SealedColumn,
  rows: readonly Row[],
): Promise<RenewedRow[]> {
  const renewed: RenewedRow[] = [];
  for (const row of rows) {
    renewed.push({ row, sealed: resealed(vault, kind, place.about(row), row[place.column]!) });
    if (renewed.length % SEALED_AT_ONCE_MAX === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return renewed;
}

/** The next rows in the order of the primary key. */
function readRows(db: EntityManager, place: SealedColumn, after: Row | null): Promise<Row[]> {
  const { table, column, primaryKey } = place;
  const names = primaryKey.join(', ');
  const from = after === null ? '' : `AND (${names}) > (${primaryKey.map((_, i) => `$${i + 1}`).join(', ')})`;
  return db.query<Row[]>(
    `SELECT ${names}, ${column} FROM ${table} WHERE ${column} IS NOT NULL ${from} ORDER BY ${names} LIMIT ${REWRAPPED_AT_ONCE_MAX}`,
    after === null ? [] : primaryKey.map((name) => after[name]!),
  );
}

/** A row that changed since it was read stays as it is: it was sealed under the current key. */
function writeRows(db: EntityManager, place: SealedColumn, renewed: readonly RenewedRow[]): Promise<number> {
  const { table, column, primaryKey } = place;
  const parameters: string[] = [];
  const values = renewed.map(({ row, sealed }) => {
    const cells = [sealed, row[column]!, ...primaryKey.map((name) => row[name]!)];
    return `(${cells.map((cell) => `$${parameters.push(cell)}`).join(', ')})`;
  });
  const matches = primaryKey.map((name, i) => `${table}.${name} = renewed.column${i + 3}`).join(' AND ');
  return changeMany(
    db,
    `UPDATE ${table} SET ${column} = renewed.column1 FROM (VALUES ${values.join(', ')}) AS renewed
       WHERE ${matches} AND ${table}.${column} = renewed.column2`,
    parameters,
  );
}

async function rewrapFile({ vault, dataDir }: Rewrapping, kind: SecretKind, place: SealedFile): Promise<number> {
  const path = place.path(dataDir);
  const sealed = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (sealed === null || vault.isCurrent(sealed)) return 0;
  await writeFileDurably(path, `${resealed(vault, kind, place.about, sealed.trim())}\n`, 0o600);
  return 1;
}

function resealed(vault: KeyVault, kind: SecretKind, about: string, sealed: string): string {
  const secret = vault.open(kind, about, sealed);
  if (secret === null)
    throw new ProtocolError('data_dir_corrupt', { kind }, { detail: 'a sealed secret does not open' });
  return vault.seal(kind, about, secret);
}
