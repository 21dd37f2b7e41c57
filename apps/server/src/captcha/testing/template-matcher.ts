// A naive attacker: cuts a picture into columns of ink, and takes for each cut the undistorted glyph that fits best.

import { PICTURE_HEIGHT, PICTURE_WIDTH, type Raster } from '../picture/draw-picture.js';
import { ALPHABET, GLYPH_HEIGHT, handsOf } from '../picture/glyphs.js';
import { distanceAt, penDistanceOf } from '../picture/pen-distance.js';

const COLUMNS = 16;
const ROWS = 24;
const PEN = 0.1;
const DARK = 135;

interface Bitmap {
  readonly width: number;
  readonly height: number;
  readonly ink: (x: number, y: number) => boolean;
}

const masters = [...ALPHABET].flatMap((digit) =>
  Array.from({ length: handsOf(digit) }, (_, hand) => ({ digit, shape: fitted(masterOf(digit, hand), 0, 80) })),
);

/** Its best guess of an answer of `length` digits. */
export function guess(picture: Raster, length: number): string {
  const clean = cleaned(picture);
  return cut(clean, length)
    .map(([left, right]) => {
      const shape = fitted(clean, left, right);
      const fits = masters.map((master) => ({ digit: master.digit, fit: correlation(shape, master.shape) }));
      return fits.reduce((best, one) => (one.fit > best.fit ? one : best)).digit;
    })
    .join('');
}

/** The median of nine pixels removes speckle and thins lines out; what is dark then is ink. */
function cleaned({ grey }: Raster): Bitmap {
  const dark = new Uint8Array(grey.length);
  for (let y = 1; y < PICTURE_HEIGHT - 1; y++) {
    for (let x = 1; x < PICTURE_WIDTH - 1; x++) {
      let count = 0;
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) count += grey[(y + dy) * PICTURE_WIDTH + x + dx]! < DARK ? 1 : 0;
      }
      dark[y * PICTURE_WIDTH + x] = count >= 5 ? 1 : 0;
    }
  }
  return { width: PICTURE_WIDTH, height: PICTURE_HEIGHT, ink: (x, y) => dark[y * PICTURE_WIDTH + x] === 1 };
}

/** Runs of columns with ink; too few: the widest is halved; too many: the narrowest is left out. */
function cut(bitmap: Bitmap, length: number): [number, number][] {
  const runs: [number, number][] = [];
  for (let x = 0, start = -1; x <= bitmap.width; x++) {
    let count = 0;
    for (let y = 0; x < bitmap.width && y < bitmap.height; y++) count += bitmap.ink(x, y) ? 1 : 0;
    // A column of two or three dark pixels holds a line across, not a glyph.
    if (count > 4 && start < 0) start = x;
    if (count <= 4 && start >= 0) {
      runs.push([start, x]);
      start = -1;
    }
  }
  if (runs.length === 0) runs.push([0, bitmap.width]);
  const widthOf = ([left, right]: [number, number]): number => right - left;
  while (runs.length > length) {
    runs.splice(runs.indexOf(runs.reduce((a, b) => (widthOf(b) < widthOf(a) ? b : a))), 1);
  }
  while (runs.length < length) {
    const widest = runs.reduce((a, b) => (widthOf(b) > widthOf(a) ? b : a));
    const middle = Math.floor((widest[0] + widest[1]) / 2);
    runs.splice(runs.indexOf(widest), 1, [widest[0], middle], [middle, widest[1]]);
  }
  return runs;
}

function masterOf(digit: string, hand: number): Bitmap {
  const grid = penDistanceOf(digit, hand);
  const ink = (x: number, y: number): boolean => distanceAt(grid, x / 50 - 0.3, y / 50 - 0.3) < PEN;
  return { width: 80, height: Math.ceil((GLYPH_HEIGHT + 0.6) * 50), ink };
}

/** The ink of some columns, stretched to COLUMNS x ROWS. */
function fitted({ ink, height }: Bitmap, left: number, right: number): Float64Array {
  const rows = Array.from({ length: height }, (_, y) => y).filter((y) => {
    for (let x = left; x < right; x++) if (ink(x, y)) return true;
    return false;
  });
  const [top, bottom] = [rows[0] ?? 0, (rows.at(-1) ?? height - 1) + 1];
  const columns = Array.from({ length: right - left }, (_, i) => left + i).filter((x) => rows.some((y) => ink(x, y)));
  const [first, last] = [columns[0] ?? left, (columns.at(-1) ?? right - 1) + 1];
  const shape = new Float64Array(COLUMNS * ROWS);
  for (let row = 0; row < ROWS; row++) {
    for (let column = 0; column < COLUMNS; column++) {
      const x = Math.floor(first + ((column + 0.5) / COLUMNS) * (last - first));
      const y = Math.floor(top + ((row + 0.5) / ROWS) * (bottom - top));
      shape[row * COLUMNS + column] = ink(x, y) ? 1 : 0;
    }
  }
  return shape;
}

function correlation(a: Float64Array, b: Float64Array): number {
  const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [both, squaresA, squaresB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [fromA, fromB] = [a[i]! - meanA, b[i]! - meanB];
    both += fromA * fromB;
    squaresA += fromA * fromA;
    squaresB += fromB * fromB;
  }
  return both / Math.sqrt(squaresA * squaresB || 1);
}
