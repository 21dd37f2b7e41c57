// The rival: a bare Nest route on HTTPS that signs one fast-jwt HS256 token and inserts one row. No authentication, no
// decision, no ledger. A process of its own, on the same kind of database (write-ahead log, synchronous=FULL).
import 'reflect-metadata';
import { randomBytes, randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Body, Controller, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { createSigner } from 'fast-jwt';
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';
import { selfSigned } from '../self-signed.js';

class OneTable1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE issued (id text PRIMARY KEY, sub text NOT NULL, at_ms bigint NOT NULL)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE issued');
  }
}

const source = new DataSource({
  type: 'sqlite',
  database: join(process.argv[2]!, 'bare.db'),
  enableWAL: true,
  migrations: [OneTable1700000000000],
});
const sign = createSigner({ key: randomBytes(32), algorithm: 'HS256', expiresIn: 900_000 });

@Controller()
class BareController {
  @Post('bare')
  async post(@Body() body: { sub: string }): Promise<{ token: string }> {
    const id = randomUUID();
    await source.query('INSERT INTO issued (id, sub, at_ms) VALUES ($1, $2, $3)', [id, body.sub, Date.now()]);
    return { token: sign({ jti: id, sub: body.sub }) };
  }
}

@Module({ controllers: [BareController] })
class BareModule {}

await source.initialize();
await source.runMigrations();
await source.query('PRAGMA synchronous = FULL');
const adapter = new FastifyAdapter({ https: { ...(await selfSigned()), minVersion: 'TLSv1.3' } });
const app = await NestFactory.create<NestFastifyApplication>(BareModule, adapter, { logger: false });
await app.listen(0, '127.0.0.1');
process.stdout.write(`port: ${(app.getHttpServer().address() as AddressInfo).port}\n`);
process.once('SIGTERM', () => process.exit(0));
