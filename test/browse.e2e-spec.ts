// Snapshots as folders: real WebDAV clients read every byte of a real network's backups through `peerkeep browse`.
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { type IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BackupView } from '#backup';
import { BrowseServer } from '../apps/backup-client/src/browse/browse-server.js';
import { shareWorld } from './shared-world.js';
import { refusalOf, type WorldClient } from './world.js';

const run = promisify(execFile);
const world = shareWorld({ hosts: 6 });
const stop = new AbortController();
const BIG = randomBytes(23_000_000);
let client: WorldClient;
let source: string;
let view: BackupView;
let server: BrowseServer;
/** The latest snapshot: of one folder it is what lies in that folder. */
let base: string;

beforeAll(async () => {
  client = await world().addClient();
  source = await world().writeFiles('source', {
    'big.bin': BIG,
    empty: '',
    'deep/er/text.txt': 'words',
    'Ünï côde 🎈 100%.txt': 'x'.repeat(100_000),
    'quotes "\'&<>#?;:\\.txt': 'names',
    '.hidden': 'h',
  });
  for (let i = 0; i < 300; i++) await writeFile(join(source, 'deep', `small-${i}.txt`), `number ${i}`);
  await writeFile(Buffer.concat([Buffer.from(`${source}/latin-`), Buffer.from([0xe9, 0xff])]), 'no UTF-8');
  await symlink('deep/er/text.txt', join(source, 'link'));
  await client.backup(source);
  await world().settle();
  view = await client.engine.view(client.running(stop.signal));
  const { clock, log } = world();
  const listen = { host: '127.0.0.1', port: 0 };
  server = await BrowseServer.start({ view, listen, credentials: null, clock, log, signal: stop.signal });
  base = `${server.url}latest`;
});
afterAll(async () => {
  await server.close();
  stop.abort();
});

const rclone = (...args: string[]) =>
  run('rclone', ['--config', '/dev/null', '--retries', '1', '--low-level-retries', '1', ...args]);
const remote = (): string => `:webdav,url='${base}':`;

/** Every entry below a folder, names as bytes: the hash of a file, the target of a link. */
async function contentsOf(folder: Buffer, prefix = Buffer.alloc(0)): Promise<Map<string, string>> {
  const contents = new Map<string, string>();
  for (const entry of await readdir(folder, { withFileTypes: true, encoding: 'buffer' })) {
    const path = Buffer.concat([folder, Buffer.from('/'), entry.name]);
    const name = Buffer.concat([prefix, entry.name]);
    if (entry.isDirectory()) {
      for (const [below, what] of await contentsOf(path, Buffer.concat([name, Buffer.from('/')])))
        contents.set(below, what);
    } else if (entry.isSymbolicLink()) contents.set(name.toString('latin1'), `-> ${await readlink(path)}`);
    else
      contents.set(
        name.toString('latin1'),
        createHash('sha256')
          .update(await readFile(path))
          .digest('hex'),
      );
  }
  return contents;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One request as it is written here: any method, path and headers. */
function ask(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body = '',
  port = portOf(server),
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on('data', (piece: Buffer) => pieces.push(piece));
      answer.on('error', reject);
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(pieces) }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
const portOf = ({ url }: BrowseServer): number => Number(new URL(url).port);
const pathOf = (name: string): string => `${new URL(base).pathname}/${name}`;

describe('browse, with clients that people use', () => {
  it('gives rclone every byte of a snapshot, and its links with --links', async () => {
    const target = world().path('by-rclone');
    await rclone('copy', '--links', remote(), target);
    expect(await contentsOf(Buffer.from(target))).toEqual(await contentsOf(Buffer.from(source)));
    const { stderr } = await rclone('check', '--download', '--links', source, remote());
    expect(stderr).toMatch(/: 0 differences found/);
  });

  it('gives cadaver what it lists and fetches', async () => {
    const target = world().path('by-cadaver');
    await mkdir(target);
    const script = `cd deep\nls\nget small-7.txt\ncd er\nget text.txt\ncd ../..\nget big.bin\nquit\n`;
    const { stdout } = await talk('cadaver', [base], script, target);
    expect(stdout).toMatch(/Coll:\s+er/);
    expect(stdout).toMatch(/small-299\.txt/);
    expect(await readFile(join(target, 'small-7.txt'), 'utf8')).toBe('number 7');
    expect(await readFile(join(target, 'text.txt'), 'utf8')).toBe('words');
    expect((await readFile(join(target, 'big.bin'))).equals(BIG)).toBe(true);
  });

  it('shows a browser folders as pages that lead to the files', async () => {
    expect((await ask('GET', new URL(base).pathname)).headers.location).toBe(`${new URL(base).pathname}/`);
    const page = await ask('GET', pathOf(''));
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    const links = [...page.body.toString().matchAll(/href="\.\/([^"]+)"/g)].map(([, href]) => href!);
    expect(links).toHaveLength(8);
    for (const href of links.filter((link) => !link.endsWith('/'))) {
      expect((await ask('GET', pathOf(href))).status, href).toBe(200);
    }
    expect(page.body.toString()).not.toContain("'&<>");
  });
});

describe('what browse serves', () => {
  it('is laid out by time, id, host and tag', async () => {
    const [stored] = view.snapshots;
    const time = `${stored!.snapshot.time.slice(0, 19)}Z`;
    const lists: Record<string, string[]> = {
      '/': ['hosts/', 'ids/', 'latest/', 'snapshots/', 'tags/'],
      '/ids': [`${stored!.id}/`],
      '/snapshots/': [`${encodeURIComponent(time)}/`, 'latest/'],
      [`/hosts/${stored!.snapshot.hostname}/`]: [`${encodeURIComponent(time)}/`, 'latest/'],
    };
    for (const [path, wanted] of Object.entries(lists)) {
      const { status, body } = await ask('PROPFIND', path, { depth: '1' });
      expect(status).toBe(207);
      const hrefs = [...body.toString().matchAll(/<D:href>([^<]*)<\/D:href>/g)].map(([, href]) => href!);
      const [own, ...children] = hrefs;
      expect(children.map((href) => href.slice(own!.length)).sort()).toEqual(wanted.sort());
    }
    for (const place of [`/ids/${stored!.id}`, `/snapshots/${time}`, '/snapshots/latest', '/latest']) {
      const { body } = await ask('GET', `${place}/deep/er/text.txt`);
      expect(body.toString(), place).toBe('words');
    }
  });

  it('answers ranges, conditions and HEAD as RFC 9110 says', async () => {
    const whole = await ask('HEAD', pathOf('big.bin'));
    expect(whole).toMatchObject({
      status: 200,
      headers: { 'content-length': '23000000', 'content-type': 'application/octet-stream' },
    });
    const etag = whole.headers.etag!;
    const parts: [string, number, number][] = [
      ['bytes=0-0', 0, 1],
      ['bytes=999999-2000001', 999_999, 2_000_002],
      ['bytes=22999999-', 22_999_999, 23_000_000],
      ['bytes=-5', 22_999_995, 23_000_000],
      ['bytes=5000000-99999999', 5_000_000, 23_000_000],
    ];
    for (const [range, start, end] of parts) {
      const part = await ask('GET', pathOf('big.bin'), { range });
      expect(part.status, range).toBe(206);
      expect(part.headers['content-range']).toBe(`bytes ${start}-${end - 1}/23000000`);
      expect(part.body.equals(BIG.subarray(start, end)), range).toBe(true);
    }
    const several = await ask('GET', pathOf('big.bin'), { range: 'bytes=0-1,5-6' });
    expect([several.status, several.body.length]).toEqual([200, 23_000_000]);
    expect(await ask('GET', pathOf('big.bin'), { range: 'bytes=23000000-' })).toMatchObject({
      status: 416,
      headers: { 'content-range': 'bytes */23000000' },
    });
    expect((await ask('GET', pathOf('big.bin'), { 'if-none-match': etag })).status).toBe(304);
    expect((await ask('GET', pathOf('big.bin'), { 'if-match': '"other"' })).status).toBe(412);
    const stale = await ask('GET', pathOf('empty'), { range: 'bytes=0-1', 'if-range': '"other"' });
    expect([stale.status, stale.body.length]).toEqual([200, 0]);
  });

  it('shows a link as a small file by the name that rclone gives it, and never follows it', async () => {
    expect((await ask('GET', pathOf('link.rclonelink'))).body.toString()).toBe('deep/er/text.txt');
    expect((await ask('GET', pathOf('link'))).status).toBe(404);
    expect((await ask('PROPFIND', pathOf('link/'), { depth: '0' })).status).toBe(404);
  });

  it('tells the properties that are asked for, and which of them it has not', async () => {
    const body =
      '<?xml version="1.0"?><propfind xmlns="DAV:" xmlns:x="urn:x"><prop><getcontentlength/><x:colour/><lockdiscovery/></prop></propfind>';
    const { status, body: answer } = await ask('PROPFIND', pathOf('deep/small-10.txt'), { depth: '0' }, body);
    expect(status).toBe(207);
    expect(answer.toString()).toContain(
      '<D:propstat><D:prop><D:getcontentlength>9</D:getcontentlength></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>' +
        '<D:propstat><D:prop><colour xmlns="urn:x"/><D:lockdiscovery/></D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>',
    );
  });
});

describe('what browse refuses', () => {
  it('a walk of everything at once, and a body that is no propfind', async () => {
    for (const headers of [{ depth: 'infinity' }, {}] as Record<string, string>[]) {
      const refused = await ask('PROPFIND', '/', headers);
      expect(refused.status).toBe(403);
      expect(refused.body.toString()).toContain('<D:propfind-finite-depth/>');
    }
    const bodies = ['<propfind/>', '<!DOCTYPE x [<!ENTITY e "e">]><x/>', '<a xmlns="DAV:"><b></a></b>', '{}'];
    for (const body of bodies) expect((await ask('PROPFIND', '/', { depth: '0' }, body)).status, body).toBe(400);
    expect((await ask('PROPFIND', '/', { depth: '0' }, ' '.repeat(100_000))).status).toBe(413);
  });

  it('every method that writes', async () => {
    for (const method of ['PUT', 'DELETE', 'MKCOL', 'MOVE', 'COPY', 'LOCK', 'PROPPATCH', 'POST', 'PATCH']) {
      const refused = await ask(method, pathOf('empty'), {});
      expect([refused.status, refused.headers.allow], method).toEqual([405, 'OPTIONS, GET, HEAD, PROPFIND']);
    }
    const options = await ask('OPTIONS', '/');
    expect(options).toMatchObject({ status: 200, headers: { dav: '1' } });
  });

  it('a name that is not this machine, which a web page may have turned to it', async () => {
    expect((await ask('GET', '/', { host: `evil.example:${portOf(server)}` })).status).toBe(421);
    expect((await ask('GET', '/', { host: 'localhost' })).status).toBe(421);
    expect((await ask('GET', '/', { host: `localhost:${portOf(server)}` })).status).toBe(200);
  });

  it('paths that are badly encoded or lead nowhere', async () => {
    const statuses = await Promise.all(
      ['/%zz', '//', '/nothing', '/latest/nothing', `${pathOf('empty')}/`, pathOf('..%2fempty'), '/%2e%2e/latest/'].map(
        async (path) => (await ask('GET', path)).status,
      ),
    );
    expect(statuses).toEqual([400, 400, 404, 404, 404, 404, 404]);
    expect((await ask('GET', `/./a/../latest/../../latest/empty`)).status).toBe(200);
  });

  it('an address that others reach without a password, and a wrong password', async () => {
    const { clock, log } = world();
    const options = { view, clock, log, signal: stop.signal };
    const open = BrowseServer.start({ ...options, listen: { host: '0.0.0.0', port: 0 }, credentials: null });
    expect(await refusalOf(open)).toBe('usage');
    const credentials = { user: 'me', password: 'pass:word é' };
    const guarded = await BrowseServer.start({ ...options, listen: { host: '127.0.0.1', port: 0 }, credentials });
    const statusFor = async (text: string): Promise<number> => {
      const authorization = `Basic ${Buffer.from(text).toString('base64')}`;
      return (await ask('GET', '/', text === '' ? {} : { authorization }, '', portOf(guarded))).status;
    };
    expect(await Promise.all(['', 'me:wrong', 'you:pass:word é', 'me:pass:word é'].map(statusFor))).toEqual([
      401, 401, 401, 200,
    ]);
    await guarded.close();
  });
});

describe('a file that hosts have lost', () => {
  it('is an error before its first byte, and no short file', async () => {
    const fresh = await client.engine.view(client.running(stop.signal));
    const { clock, log } = world();
    const listen = { host: '127.0.0.1', port: 0 };
    const options = { view: fresh, listen, credentials: null, clock, log, signal: stop.signal };
    const other = await BrowseServer.start(options);
    for (const host of world().hosts.slice(0, 3)) await host.stop();
    const lost = await ask('GET', pathOf('big.bin'), {}, '', portOf(other));
    expect([lost.status, lost.body.toString()]).toEqual([503, expect.stringContaining('object_unavailable')]);
    for (const host of world().hosts.slice(0, 3)) await host.start();
    expect((await ask('GET', pathOf('big.bin'), {}, '', portOf(other))).body.equals(BIG)).toBe(true);
    await other.close();
  });
});

/** A program that is talked to on its standard input. */
function talk(program: string, args: string[], input: string, cwd: string): Promise<{ stdout: string }> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { cwd }, (error, stdout) =>
      error === null ? resolve({ stdout }) : reject(error),
    );
    child.stdin!.end(input);
  });
}
