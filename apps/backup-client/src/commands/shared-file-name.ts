// The name under which a shared file is saved when its receiver gives none: a sender chooses it, so it hides nothing. Pure.
const NAME_BYTES_MAX = 255;
/** `.peerkeep-<process id>.partial` */
const PARTIAL_SUFFIX_BYTES_MAX = 32;

/** A name of one step, as `openShareHead` gives it, that shows in a listing, and leaves room for the suffix while it comes. */
export function savedNameOf(name: string): string {
  const shown = name.replace(/^\.+/, (dots) => '_'.repeat(dots.length));
  const characters = [...shown];
  while (Buffer.byteLength(characters.join('')) > NAME_BYTES_MAX - PARTIAL_SUFFIX_BYTES_MAX) characters.pop();
  return characters.join('');
}
