// Writes test/golden/<version>/ with the built engine: a small store, and what is in it. Run it as root after `npm run build`:
//   node scripts/make-golden.js v2
// What was written stays as it is: it stands for the backups that people have. A new format version gets a folder of its own.
import { execFileSync } from 'node:child_process';
import { createCipheriv, createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { join } from 'node:path';

// The store tells of a machine that does not exist.
os.hostname = () => 'golden';
os.userInfo = () => ({ username: 'keeper', uid: 0, gid: 0, shell: null, homedir: '/' });
syncBuiltinESMExports();

const root = new URL('..', import.meta.url).pathname;
const version = process.argv[2];
const target = join(root, 'test/golden', version);
const source = '/tmp/peerkeep-golden';

const built = (path) => import(join(root, 'dist/libs', path));
const { deriveDataKeys } = await built('backup/src/keys.js');
const { ChunkIndexFile } = await built('backup/src/chunk-index-file.js');
const { expandGearTable } = await built('backup/src/chunking/fastcdc.js');
const { runBackup } = await built('backup/src/backup/run-backup.js');
const { ContentList } = await built('backup/src/backup/content-list.js');
const { IndexPublisher } = await built('backup/src/backup/index-publisher.js');
const { TreeWriter } = await built('backup/src/backup/tree-writer.js');
const { ChunkPacker } = await built('backup/src/put/chunk-packer.js');
const { encodeSnapshot, decodeSnapshot } = await built('backup/src/trees/snapshot-codec.js');
const { NO_PRUNES } = await built('backup/src/backup/prune-guard.js');
const { FakeClock } = await built('process/src/index.js');
const { objectKeyOf, openChunk, openObject } = await built('backup/src/objects/open-object.js');
const { formatTime, uuidV7 } = await built('protocol/src/index.js');

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const masterKey = createHash('sha256').update('peerkeep golden data').digest();
const keys = deriveDataKeys(masterKey);
const stream = createCipheriv('aes-256-ctr', sha256(version).slice(0, 32), Buffer.alloc(16));
const randomBytes = (length) => stream.update(Buffer.alloc(length));
const clock = new FakeClock(Date.UTC(2026, 10, 21, 8));
const newObjectId = () => uuidV7(clock.nowMs(), randomBytes(10));
const signal = new AbortController().signal;

rmSync(target, { recursive: true, force: true });
rmSync(source, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
mkdirSync(source);
const index = `${source}.index`;
rmSync(index, { force: true });
const cache = await ChunkIndexFile.open({ path: index, cacheKey: keys.cacheKey });
const objects = [];
const uploader = {
  hosts: new Set(),
  store: async ({ objectId, kind, bytes }) => {
    writeFileSync(join(target, `${objectId}.object`), bytes);
    const createdAt = formatTime(clock.nowMs());
    objects.push({
      objectId,
      kind,
      sizeBytes: bytes.length,
      dataShards: 1,
      totalShards: 1,
      storedShards: 1,
      createdAt,
    });
    clock.advance(1_000);
    return { objectId, storedShards: 1, totalShards: 1, storedBytes: bytes.length };
  },
};
const parts = {
  keys,
  cache,
  uploader,
  clock,
  randomBytes,
  newObjectId,
  guard: NO_PRUNES,
  local: { keep: async () => undefined, settle: async () => undefined },
  machineId: '0193f3a0-0000-7000-8000-00000000000a',
};

const snapshots = [];
makeSource();
const home = join(source, 'home');
const request = { paths: [home], excludes: ['*.tmp'], parent: 'none', listed: [], signal };
const walked = await runBackup(parts, {
  ...request,
  onEvent: (event) => event.kind === 'warning' && process.stderr.write(`${event.detail}\n`),
});
snapshots.push({ id: walked.snapshotId, document: documentOf(walked.snapshotId), entries: describe(home) });
snapshots.push(await writeByHand(walked.snapshotId));
await cache.close();
rmSync(index);
rmSync(source, { recursive: true });

const document = { masterKey: masterKey.toString('hex'), objects, snapshots };
writeFileSync(join(target, 'expected.json'), `${JSON.stringify(document, null, 2)}\n`);
execFileSync('npx', ['biome', 'format', '--write', join(target, 'expected.json')], { cwd: root });

/** Every kind of thing that this version of the format keeps. */
function makeSource() {
  const block = randomBytes(16 * 1024).toString('hex');
  const large = Array.from({ length: 96 }, (_, i) => Buffer.from(`part ${i}\n${block}\n`));
  const put = (path, content) => writeFileSync(Buffer.isBuffer(path) ? path : join(source, 'home', path), content);
  for (const folder of ['home', 'home/docs', 'home/docs/deep', 'home/empty']) mkdirSync(join(source, folder));
  put('large.bin', Buffer.concat(large));
  put('docs/small.txt', 'a small file\n');
  put('docs/same.txt', 'a small file\n');
  put('docs/none', '');
  put('docs/"quoted\\ \n\u2028 é 🙂.txt', 'a name with escapes\n');
  put('docs/left-out.tmp', 'left out');
  put('docs/deep/random.bin', randomBytes(70_001));
  put(Buffer.from(`${source}/home/docs/latin1-\xe9\xff`, 'latin1'), 'a name that is no UTF-8\n');
  const link = (to, at) => execFileSync('ln', ['-s', to, join(source, 'home', at)]);
  link('docs/small.txt', 'link');
  link('/nowhere/at all', 'docs/broken');
  execFileSync('sh', ['-c', `ln -s "$(printf 'to-\\377')" '${source}/home/docs/raw-link'`]);
  if (version !== 'v1') makeNewerSource(join(source, 'home'));
  execFileSync('chmod', ['4751', join(source, 'home/docs/small.txt')]);
  execFileSync('chmod', ['1700', join(source, 'home/docs/deep')]);
  execFileSync('chown', ['-h', '1000:1001', join(source, 'home/docs/same.txt'), join(source, 'home/link')]);
  execFileSync('find', [source, '-depth', '-exec', 'touch', '-h', '-d', '@1700000000.123456789', '{}', ';']);
  execFileSync('touch', ['-d', '1969-12-31T23:59:58.000000001Z', join(source, 'home/docs/none')]);
}

/** What the walk met, told by the disk: paths as latin1, one character a byte. */
function describe(folder) {
  const entries = [];
  const visit = (place, path) => {
    for (const name of readdirSync(place, { encoding: 'buffer' }).sort(Buffer.compare)) {
      const at = Buffer.concat([place, Buffer.from('/'), name]);
      const below = path === '' ? name.toString('latin1') : `${path}/${name.toString('latin1')}`;
      if (below.endsWith('.tmp')) continue;
      const stats = lstatSync(at, { bigint: true });
      entries.push({
        path: below,
        type: stats.isDirectory()
          ? 'dir'
          : stats.isSymbolicLink()
            ? 'symlink'
            : stats.isFile()
              ? 'file'
              : kindOf(stats),
        mode: Number(stats.mode & 0o7777n),
        mtimeNs: String(stats.mtimeNs),
        uid: Number(stats.uid),
        gid: Number(stats.gid),
        ...(stats.isFile() && { sizeBytes: Number(stats.size), sha256: sha256(readFileSync(at)) }),
        ...(stats.isSymbolicLink() && { linkTarget: readlinkSync(at, { encoding: 'buffer' }).toString('latin1') }),
        ...(version !== 'v1' && describeNewer(at, stats)),
      });
      if (stats.isDirectory()) visit(at, below);
    }
  };
  visit(Buffer.from(folder), '');
  return entries;
}

/** A snapshot of what no walk meets in a small folder: a file with more chunks than its entry holds, and every member. */
async function writeByHand(parent) {
  const packer = new ChunkPacker({ ...parts, signal, onStored: () => undefined });
  const gear = expandGearTable(keys.chunkerKey);
  const storeTree = (plaintext) => packer.add('tree', plaintext);
  const pieces = Array.from({ length: 7 }, (_, i) => Buffer.from(`piece ${i} of a very long file\n`));
  const content = Array.from({ length: 1_100 }, (_, i) => pieces[(i * i) % 7]);
  const list = new ContentList(gear, storeTree);
  for (const piece of content) await list.add(await packer.add('data', piece));
  const file = {
    path: 'very long',
    type: 'file',
    mode: 0o600,
    mtimeNs: '-1',
    uid: 4_294_967_295,
    gid: 0,
    sizeBytes: Buffer.concat(content).length,
    sha256: sha256(Buffer.concat(content)),
  };
  const trees = new TreeWriter(gear, storeTree);
  await trees.enterDirectory();
  const { path, sha256: _sha256, mtimeNs, ...rest } = file;
  await trees.addEntry({ ...rest, name: Buffer.from(path), mtimeNs: BigInt(mtimeNs), ...(await list.end()) });
  const rootChunks = await trees.leaveDirectory();
  await packer.flush(['data', 'tree']);
  await new IndexPublisher(cache, packer).publish();
  const counts = { files: 1, directories: 0, symlinks: 0, skipped: 2, sourceBytes: file.sizeBytes, addedBytes: 12 };
  const machine = { hostname: 'another', username: 'someone' };
  const members = { id: 'given-id_1', time: formatTime(clock.nowMs()), ...machine, paths: ['/one', '/two é'], parent };
  const snapshot = encodeSnapshot({ ...members, root: rootChunks, ...counts, ...newerMembers(parent) });
  await packer.add('snapshot', snapshot);
  const [id] = await packer.flush(['snapshot']);
  return { id, document: documentOf(id), entries: [file] };
}

function documentOf(id) {
  const bytes = readFileSync(join(target, `${id}.object`));
  const key = objectKeyOf(keys, id, bytes);
  return decodeSnapshot(openChunk(keys, key, bytes, openObject(key, bytes).entries[0]));
}

// What version 2 brought.

function makeNewerSource(home) {
  const run = (command, ...args) => execFileSync(command, args, { cwd: home });
  run('mkfifo', 'fifo');
  run('mknod', 'character', 'c', '1', '3');
  run('mknod', 'block', 'b', '7', '300');
  run('python3', '-c', "import socket; socket.socket(socket.AF_UNIX).bind('socket')");
  run('ln', 'docs/small.txt', 'docs/deep/hard');
  run('ln', 'docs/small.txt', 'hard');
  run('truncate', '-s', '3000001', 'sparse');
  run('setfattr', '-n', 'user.text', '-v', 'a value', 'docs/none');
  run('setfattr', '-n', 'user.empty', 'docs/none');
  run('sh', '-c', `setfattr -n "$(printf 'user.\\303\\251\\377')" -v 0x00ff0a docs/none`);
  run('setfattr', '-n', 'user.folder', '-v', 'of a folder', 'docs');
  run('setfattr', '-h', '-n', 'trusted.link', '-v', 'of a link', 'link');
  run('setfattr', '-n', 'trusted.fifo', '-v', 'of a fifo', 'fifo');
  run('setfacl', '-m', 'u:1234:rwx', 'docs/same.txt');
  run('setfacl', '-d', '-m', 'g:4321:rx', 'docs/deep');
}

function kindOf(stats) {
  if (stats.isFIFO()) return 'fifo';
  if (stats.isSocket()) return 'socket';
  return stats.isCharacterDevice() ? 'chardev' : 'blockdev';
}

function describeNewer(at, stats) {
  const xattrs = xattrsOf(at);
  const isDevice = stats.isCharacterDevice() || stats.isBlockDevice();
  const [, major, minor] = isDevice
    ? /^(\d+) (\d+)$/.exec(execFileSync('stat', ['-c', '%Hr %Lr', at]).toString().trim())
    : [];
  return {
    ...(stats.isFile() && { ctimeNs: String(stats.ctimeNs), inode: String(stats.ino) }),
    ...(stats.isFile() && stats.nlink > 1n && { hardLink: `${stats.dev}:${stats.ino}` }),
    ...(isDevice && { device: { major: Number(major), minor: Number(minor) } }),
    ...(Object.keys(xattrs).length > 0 && { xattrs }),
  };
}

/** As Debian's getfattr tells them: names as latin1, values in hex. */
function xattrsOf(path) {
  // An argument is UTF-8 to Node; xargs takes the bytes as they are.
  const getfattr = ['-0', 'getfattr', '-h', '-d', '-m', '-', '-e', 'hex', '--absolute-names'];
  const said = execFileSync('xargs', getfattr, { input: path }).toString('latin1');
  return Object.fromEntries(
    said
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => /^(.*?)(?:=(?:0x)?(.*))?$/.exec(line).slice(1))
      .map(([name, value]) => [
        name.replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8))),
        value ?? '',
      ]),
  );
}

function newerMembers(original) {
  if (version === 'v1') return {};
  const machineId = '0193f3a0-0000-7000-8000-00000000000b';
  return {
    tags: ['one', 'é'],
    machineId,
    specials: 3,
    excludes: ['*.tmp', '/x y'],
    original,
    program: 'peerkeep 0.1.0',
  };
}
