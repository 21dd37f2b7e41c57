/**
 * The headers of a tar archive in the pax interchange format (POSIX.1-2017, pax, "Extended Header"). Pure.
 *
 * Every entry has a ustar header; what that cannot say exactly stands in an extended header before it: long names and
 * names with bytes above 127, times below the second, sizes above 8 GiB, large ids, and attributes as
 * `SCHILY.xattr.<name>` (star, GNU tar and bsdtar read these). Names and values are raw bytes.
 */
import { strict as assert } from 'node:assert';

export const TAR_BLOCK_BYTES = 512;

/** The letters of ustar. */
export const TAR_TYPES = {
  file: '0',
  link: '1',
  symlink: '2',
  chardev: '3',
  blockdev: '4',
  dir: '5',
  fifo: '6',
} as const;
export type TarType = keyof typeof TAR_TYPES;

/**
 * name         with `/` between steps, and none at the start or the end
 * linkTarget   of a symbolic link; the name of the other entry for a `link`
 * sizeBytes    of the content that follows; 0 for what has none
 */
export interface TarEntry {
  readonly type: TarType;
  readonly name: Uint8Array;
  readonly linkTarget?: Uint8Array;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
  readonly sizeBytes: number;
  readonly device?: { readonly major: number; readonly minor: number } | undefined;
  readonly xattrs?: readonly { readonly name: Uint8Array; readonly value: Uint8Array }[] | undefined;
}

/** Everything that stands before the content of an entry. */
export function tarHeader(entry: TarEntry): Buffer {
  const name = entry.type === 'dir' ? Buffer.concat([entry.name, SLASH]) : Buffer.from(entry.name);
  const records = paxRecords(entry, name);
  const own = ustarHeader(entry, TAR_TYPES[entry.type], name, entry.sizeBytes);
  if (records.length === 0) return own;
  const content = Buffer.concat(records);
  // Readers that know no pax extract this as a file: it has a plain name and is readable by its owner.
  const carrier = { ...entry, mode: 0o600, mtimeNs: 0n, uid: 0, gid: 0, linkTarget: NONE, device: undefined };
  const carrierHeader = ustarHeader(carrier, 'x', Buffer.from('PaxHeaders/entry'), content.length);
  return Buffer.concat([carrierHeader, content, tarPadding(content.length), own]);
}

/** The zeros that fill the last block of so many bytes. */
export function tarPadding(sizeBytes: number): Buffer {
  return Buffer.alloc((TAR_BLOCK_BYTES - (sizeBytes % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES);
}

/** What an archive ends with. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * TAR_BLOCK_BYTES);
}

const SLASH = Buffer.from('/');
const NONE = Buffer.alloc(0);
const NAME_BYTES = 100;
const BILLION = 1_000_000_000n;
/** Eight octal digits with a NUL at the end hold 7; twelve hold 11. */
const SMALL_MAX = 8 ** 7 - 1;
const LARGE_MAX = 8 ** 11 - 1;

function paxRecords(entry: TarEntry, name: Buffer): Buffer[] {
  const { linkTarget = NONE, xattrs = [], mtimeNs, sizeBytes, uid, gid } = entry;
  const records: Buffer[] = [];
  const add = (key: string | Uint8Array, value: string | Uint8Array): void => {
    records.push(paxRecord(Buffer.from(key as string), Buffer.from(value as string)));
  };
  if (!fitsName(name)) add('path', name);
  if (!fitsName(linkTarget)) add('linkpath', linkTarget);
  if (sizeBytes > LARGE_MAX) add('size', String(sizeBytes));
  if (uid > SMALL_MAX) add('uid', String(uid));
  if (gid > SMALL_MAX) add('gid', String(gid));
  if (mtimeNs % BILLION !== 0n || mtimeNs < 0n || mtimeNs / BILLION > BigInt(LARGE_MAX)) add('mtime', paxTime(mtimeNs));
  for (const xattr of xattrs) {
    // A key ends at its first equals sign: such a name cannot be said.
    if (xattr.name.includes(0x3d)) continue;
    add(Buffer.concat([Buffer.from('SCHILY.xattr.'), xattr.name]), xattr.value);
  }
  return records;
}

function fitsName(name: Uint8Array): boolean {
  return name.length <= NAME_BYTES && name.every((byte) => byte < 0x80);
}

/** `<length> <key>=<value>\n`, where the length counts itself. */
function paxRecord(key: Buffer, value: Buffer): Buffer {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  if (rest + String(length).length !== length) length = rest + String(length).length;
  return Buffer.concat([Buffer.from(`${length} `), key, Buffer.from('='), value, Buffer.from('\n')]);
}

/** Seconds as a decimal fraction. */
function paxTime(timeNs: bigint): string {
  const magnitude = timeNs < 0n ? -timeNs : timeNs;
  const fraction = String(magnitude % BILLION).padStart(9, '0');
  return `${timeNs < 0n ? '-' : ''}${magnitude / BILLION}.${fraction}`;
}

/*
 * | offset | size | field    | offset | size | field   |
 * |--------|------|----------|--------|------|---------|
 * | 0      | 100  | name     | 157    | 100  | linkname |
 * | 100    | 8    | mode     | 257    | 8    | "ustar\0" "00" |
 * | 108    | 8    | uid      | 265    | 64   | uname, gname (none) |
 * | 116    | 8    | gid      | 329    | 8    | devmajor |
 * | 124    | 12   | size     | 337    | 8    | devminor |
 * | 136    | 12   | mtime    | 345    | 155  | prefix (none) |
 * | 148    | 8    | checksum | 156    | 1    | typeflag |
 */
function ustarHeader(entry: TarEntry, typeflag: string, name: Uint8Array, sizeBytes: number): Buffer {
  const { linkTarget = NONE, device = { major: 0, minor: 0 } } = entry;
  const header = Buffer.alloc(TAR_BLOCK_BYTES);
  header.set(name.subarray(0, NAME_BYTES), 0);
  writeOctal(header, 100, 8, entry.mode);
  writeOctal(header, 108, 8, Math.min(entry.uid, SMALL_MAX));
  writeOctal(header, 116, 8, Math.min(entry.gid, SMALL_MAX));
  writeOctal(header, 124, 12, Math.min(sizeBytes, LARGE_MAX));
  writeOctal(header, 136, 12, secondsOf(entry.mtimeNs));
  header.fill(' ', 148, 156);
  header.write(typeflag, 156, 'latin1');
  header.set(linkTarget.subarray(0, NAME_BYTES), 157);
  header.write('ustar\u000000', 257, 'latin1');
  writeOctal(header, 329, 8, Math.min(device.major, SMALL_MAX));
  writeOctal(header, 337, 8, Math.min(device.minor, SMALL_MAX));
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

function secondsOf(timeNs: bigint): number {
  if (timeNs < 0n) return 0;
  return Math.min(Number(timeNs / BILLION), LARGE_MAX);
}

function writeOctal(header: Buffer, offset: number, width: number, value: number): void {
  const digits = value.toString(8).padStart(width - 1, '0');
  assert(digits.length < width);
  header.write(digits, offset, 'latin1');
}
