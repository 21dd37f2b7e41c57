// PUT writes the body to a file and syncs it, GET reads it back: node:https and node:fs, and nothing else.
import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { selfSigned } from '../self-signed.js';

const folder = process.argv[2]!;
const server = createServer({ ...(await selfSigned()), minVersion: 'TLSv1.3' }, (request, response) => {
  const path = join(folder, (request.url ?? '/').slice(1).replaceAll('/', '') || 'none');
  if (request.method === 'PUT') {
    void (async () => {
      await pipeline(request, createWriteStream(path));
      const file = await open(path, 'r+');
      await file.sync();
      await file.close();
      response.writeHead(201).end();
    })();
    return;
  }
  createReadStream(path)
    .on('error', () => response.writeHead(404).end())
    .pipe(response);
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`port: ${(server.address() as AddressInfo).port}\n`);
});
process.once('SIGTERM', () => process.exit(0));
