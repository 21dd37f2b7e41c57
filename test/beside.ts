// Databases of running programs, read beside them: one connection each, kept open for the life of a world.
import { type Database, openDatabase } from '#database';

type Migrations = Parameters<typeof openDatabase>[0]['migrations'];

export class DatabasesBeside {
  private readonly opened = new Map<string, Promise<Database>>();

  async rows<T>(
    of: { readonly file: string; readonly migrations: Migrations },
    sql: string,
    parameters: readonly (string | number)[],
  ): Promise<T[]> {
    let database = this.opened.get(of.file);
    if (database === undefined) {
      database = openDatabase({ ...of, entities: [] });
      this.opened.set(of.file, database);
    }
    return (await database).reads.query<T[]>(sql, [...parameters]);
  }

  async close(): Promise<void> {
    for (const database of this.opened.values()) await (await database).close();
    this.opened.clear();
  }
}
