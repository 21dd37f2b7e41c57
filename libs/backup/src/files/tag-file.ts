// The files whose presence leaves the rest of their folder out, as a person names them: `.nobackup`, `.nobackup:header`. Pure.
import { ProtocolError } from '#protocol';
import type { TagFile } from './entry-selection.js';

/**
 * NAME or NAME:HEADER. A name that every folder has (``, `.`, `..`) is refused: it would leave everything out.
 *
 * throws   usage
 */
export function parseTagFile(text: string): TagFile {
  const colon = text.indexOf(':');
  const name = colon === -1 ? text : text.slice(0, colon);
  if (['', '.', '..'].includes(name) || /[/\0]/.test(name)) {
    throw new ProtocolError('usage', {}, { detail: `not the name of a file that leaves out its folder: "${text}"` });
  }
  return { name, header: colon === -1 ? '' : text.slice(colon + 1) };
}
