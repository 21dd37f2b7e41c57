// Rotations of the key-encryption key that were asked for, as rows: the command asks, the running broker does, both see.
import { randomBytes } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import { changeMany, insertRows } from '#database';
import { uuidV7 } from '#protocol';
import type { BrokerDatabase } from '../platform/broker-database.js';
import { type RotationParts, rotateKey } from './rotate-key.js';

export interface AskedRotation {
  readonly id: string;
  /** The key-encryption key that it leads to; null before it has begun. */
  readonly keyId: string | null;
  readonly rewrapped: number;
  readonly finished: boolean;
}

export async function askForRotation(database: BrokerDatabase, nowMs: number): Promise<string> {
  return database.write((db) => insertRotation(db, nowMs));
}

/** Ask in a unit of whoever decides that; returns the id of the rotation. */
export async function insertRotation(db: EntityManager, nowMs: number): Promise<string> {
  const id = uuidV7<string>(nowMs, randomBytes(10));
  await insertRows(db, { table: 'key_rotations', columns: ['id', 'requested_at_ms'] }, [[id, nowMs]]);
  return id;
}

export async function findRotation(database: BrokerDatabase, id: string): Promise<AskedRotation | null> {
  return (await query(database, 'WHERE id = $1', [id]))[0] ?? null;
}

/** Does what was asked for, and what an earlier process began; one after another, never two at once. */
export class KeyRotations {
  private stopping = false;

  constructor(private readonly parts: RotationParts & { readonly nowMs: () => number }) {}

  /** Two small reads when there is nothing to do. */
  async run(): Promise<void> {
    const { database, vault } = this.parts;
    const waiting = await query(database, 'WHERE finished_at_ms IS NULL', []);
    const done = waiting.filter(({ keyId }) => keyId === vault.currentKeyId && !vault.isRotating);
    for (const rotation of done) await this.finish(rotation, rotation.rewrapped);
    const open = waiting.filter((rotation) => !done.includes(rotation));
    if (open.length === 0 && !vault.isRotating) return;
    const rewrapped = await rotateKey(this.parts, {
      isStopping: () => this.stopping,
      onRewrapped: async (db, count) => {
        for (const { id } of open) {
          await changeMany(db, 'UPDATE key_rotations SET key_id = $1, rewrapped = $2 WHERE id = $3', [
            vault.currentKeyId,
            count,
            id,
          ]);
        }
      },
    });
    if (rewrapped === null) return;
    for (const rotation of open) await this.finish(rotation, rewrapped);
  }

  /** What is under way ends at its next batch, and goes on at the next start. */
  stop(): void {
    this.stopping = true;
  }

  private async finish({ id }: AskedRotation, rewrapped: number): Promise<void> {
    const { database, vault, nowMs } = this.parts;
    await database.write((db) =>
      changeMany(db, 'UPDATE key_rotations SET key_id = $1, rewrapped = $2, finished_at_ms = $3 WHERE id = $4', [
        vault.currentKeyId,
        rewrapped,
        nowMs(),
        id,
      ]),
    );
  }
}

async function query(database: BrokerDatabase, where: string, parameters: readonly string[]): Promise<AskedRotation[]> {
  const rows = await database.reads.query<
    { id: string; key_id: string | null; rewrapped: number | string; finished_at_ms: number | string | null }[]
  >(`SELECT id, key_id, rewrapped, finished_at_ms FROM key_rotations ${where} ORDER BY id`, [...parameters]);
  return rows.map((row) => ({
    id: row.id,
    keyId: row.key_id,
    rewrapped: Number(row.rewrapped),
    finished: row.finished_at_ms !== null,
  }));
}
