// How many columns a text takes on a terminal, and how it is cut to fit. Pure.
//
// Texts are printable already (format.ts): no control or format characters are left in them.

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
const MARKS_ALONE = /^\p{M}+$/u;
const EMOJI = /\p{Emoji_Presentation}|\uFE0F/u;
const ELLIPSIS = '…';

/** First and last code points of what is two columns wide: Unicode's EastAsianWidth W and F, by blocks. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18cff],
  [0x1b000, 0x1b2ff],
  [0x20000, 0x3fffd],
];

/** Columns of a text on a terminal. */
export function widthOf(text: string): number {
  if (isAscii(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += graphemeWidth(segment);
  return width;
}

/** The beginning of a text, at most `columns` wide; what is cut off is shown by `…`. */
export function cutEnd(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  return columns < 1 ? '' : takeWidth(piecesOf(text), columns - 1) + ELLIPSIS;
}

/** A path at most `columns` wide: its end matters most, a little of its beginning stays. */
export function cutMiddle(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  if (columns < 1) return '';
  const pieces = piecesOf(text);
  const head = takeWidth(pieces, Math.floor((columns - 1) / 4));
  const tail = [...piecesOf(takeWidth(pieces.toReversed(), columns - 1 - widthOf(head)))].reverse().join('');
  return head + ELLIPSIS + tail;
}

function piecesOf(text: string): string[] {
  return Array.from(graphemes.segment(text), ({ segment }) => segment);
}

function takeWidth(pieces: readonly string[], columns: number): string {
  let width = 0;
  let taken = '';
  for (const piece of pieces) {
    width += graphemeWidth(piece);
    if (width > columns) break;
    taken += piece;
  }
  return taken;
}

function graphemeWidth(grapheme: string): number {
  if (MARKS_ALONE.test(grapheme)) return 0;
  if (EMOJI.test(grapheme)) return 2;
  const point = grapheme.codePointAt(0)!;
  return WIDE.some(([first, last]) => point >= first && point <= last) ? 2 : 1;
}

function isAscii(text: string): boolean {
  return /^[\u0020-\u007e]*$/.test(text);
}
