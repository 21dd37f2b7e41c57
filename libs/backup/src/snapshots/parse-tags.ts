// Lists of tags, as a person writes them. Pure.

/** `a, b` is two tags; an empty text is the one tag '' (restic's word for "no tag"). */
export function parseTags(text: string): string[] {
  return text.split(',').map((tag) => tag.trim());
}
