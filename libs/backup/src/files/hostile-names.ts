// Which stored names must not reach a disk: a name is one step down from its directory, or it is refused. Pure.
import { ProtocolError } from '#protocol';
import { NAME_BYTES_MAX } from '../trees/tree-limits.js';

export type HostileReason = 'empty' | 'dots' | 'separator' | 'nul' | 'too_long' | 'reserved';

/**
 * Judge one stored name for one kind of system.
 *
 * name       raw bytes, as the tree has them
 * platform   process.platform of the machine that writes
 * returns    why it is refused, or null
 */
export function hostileReason(name: Uint8Array, platform: NodeJS.Platform): HostileReason | null {
  if (name.length === 0) return 'empty';
  if (name.length > NAME_BYTES_MAX) return 'too_long';
  if (name.includes(0)) return 'nul';
  if (name.includes(SLASH)) return 'separator';
  const text = Buffer.from(name).toString();
  if (text === '.' || text === '..') return 'dots';
  return platform === 'win32' ? hostileOnWindows(text) : null;
}

/** The name, when it may reach a disk of this machine. throws name_hostile */
export function checkedName(name: Uint8Array, platform: NodeJS.Platform = process.platform): Buffer {
  const reason = hostileReason(name, platform);
  if (reason !== null) throw new ProtocolError('name_hostile', { reason });
  return Buffer.from(name);
}

const SLASH = 0x2f;

/** Windows: other separators, alternate streams ("a:b"), devices ("nul.txt"), and dots and spaces that it drops at the end. */
function hostileOnWindows(text: string): HostileReason | null {
  if (text.includes('\\') || text.includes(':')) return 'separator';
  if (/[. ]$/.test(text)) return 'dots';
  return /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i.test(text) ? 'reserved' : null;
}
