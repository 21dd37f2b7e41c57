// One process at a time on a data directory: a lock that the system drops when its holder dies.

import { open } from 'node:fs/promises';
import sqlite3 from 'sqlite3';
import { ProtocolError } from '#protocol';

export interface ExclusiveUse {
  release(): Promise<void>;
}

/**
 * Hold the lock file until `release` or the end of the process. Replay and nonce lists live in one process's memory,
 * so a second process on the same data would accept everything once more.
 *
 * throws   data_dir_in_use
 */
export async function takeExclusiveUse(file: string): Promise<ExclusiveUse> {
  await (await open(file, 'a', 0o600)).close();
  const connection = await new Promise<sqlite3.Database>((resolve, reject) => {
    const opened = new sqlite3.Database(file, (error) => (error === null ? resolve(opened) : reject(error)));
  });
  try {
    await execute(connection, 'PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;');
  } catch (error) {
    await close(connection);
    if ((error as { code?: string }).code !== 'SQLITE_BUSY') throw error;
    throw new ProtocolError('data_dir_in_use', {}, { cause: error });
  }
  return { release: () => close(connection) };
}

function execute(connection: sqlite3.Database, sql: string): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.exec(sql, (error) => (error === null ? resolve() : reject(error)));
  });
}

function close(connection: sqlite3.Database): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.close((error) => (error === null ? resolve() : reject(error)));
  });
}
