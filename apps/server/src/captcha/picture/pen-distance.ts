// How far a point is from the pen's way of a digit: a grid worked out once per shape, read between its points. Pure.
import { GLYPH_HEIGHT, linesOf } from './glyphs.js';

// The grid reaches MARGIN beyond the glyph's box on every side; strokes are thinner than that.
const MARGIN = 0.35;
const CELLS_PER_UNIT = 24;
const COLUMNS = Math.ceil((1 + 2 * MARGIN) * CELLS_PER_UNIT) + 1;
const ROWS = Math.ceil((GLYPH_HEIGHT + 2 * MARGIN) * CELLS_PER_UNIT) + 1;

/** Distances in glyph units (the box is one wide), row after row. */
export type PenDistance = Float32Array;

const grids = new Map<string, PenDistance>();

/** The grid of one hand's digit; worked out when it is first asked for, one of a few dozen. */
export function penDistanceOf(digit: string, hand: number): PenDistance {
  const key = `${digit}${hand}`;
  const known = grids.get(key);
  if (known !== undefined) return known;
  const made = makeGrid(linesOf(digit, hand));
  grids.set(key, made);
  return made;
}

/** The distance at a point in glyph units; beyond the grid it is far. */
export function distanceAt(grid: PenDistance, x: number, y: number): number {
  const column = (x + MARGIN) * CELLS_PER_UNIT;
  const row = (y + MARGIN) * CELLS_PER_UNIT;
  if (column < 0 || row < 0 || column >= COLUMNS - 1 || row >= ROWS - 1) return MARGIN;
  const left = Math.floor(column);
  const top = Math.floor(row);
  const right = column - left;
  const down = row - top;
  const at = top * COLUMNS + left;
  const above = grid[at]! * (1 - right) + grid[at + 1]! * right;
  const below = grid[at + COLUMNS]! * (1 - right) + grid[at + COLUMNS + 1]! * right;
  return above * (1 - down) + below * down;
}

function makeGrid(lines: Float64Array): PenDistance {
  const grid = new Float32Array(COLUMNS * ROWS);
  for (let row = 0; row < ROWS; row++) {
    for (let column = 0; column < COLUMNS; column++) {
      const x = column / CELLS_PER_UNIT - MARGIN;
      const y = row / CELLS_PER_UNIT - MARGIN;
      grid[row * COLUMNS + column] = Math.sqrt(nearestSquared(lines, x, y));
    }
  }
  return grid;
}

function nearestSquared(lines: Float64Array, x: number, y: number): number {
  let nearest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < lines.length; i += 4) {
    nearest = Math.min(
      nearest,
      squaredToPiece(x - lines[i]!, y - lines[i + 1]!, lines[i + 2]! - lines[i]!, lines[i + 3]! - lines[i + 1]!),
    );
  }
  return nearest;
}

/** From a point to a piece that starts at the origin and ends at (endX, endY). */
function squaredToPiece(x: number, y: number, endX: number, endY: number): number {
  const lengthSquared = endX * endX + endY * endY;
  const along = lengthSquared === 0 ? 0 : Math.min(1, Math.max(0, (x * endX + y * endY) / lengthSquared));
  return (x - along * endX) ** 2 + (y - along * endY) ** 2;
}
