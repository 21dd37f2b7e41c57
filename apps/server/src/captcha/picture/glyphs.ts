// The shapes of the digits: several hands for each, as strokes of a pen in a box one wide and 1.5 high. Pure.

export const GLYPH_HEIGHT = 1.5;

/**
 * Digits without 0 and 1: distorted, they pass for O, I, l and 7. Digits alone, because people of every script type
 * them, and because the names of letters (b, d, e, p, t) cannot be told apart through noise, while the sound must ask
 * the same question as the picture.
 */
export const ALPHABET = '23456789';

/** By digit, one text a hand, in the path letters of SVG: M starts a stroke, L is a line, C a cubic curve. */
const HANDS: Readonly<Record<string, readonly string[]>> = {
  2: [
    'M0.08 0.42 C0.05 -0.12 0.95 -0.16 0.9 0.42 C0.86 0.8 0.3 1.05 0.06 1.5 L0.95 1.5',
    'M0.1 0.3 C0.3 -0.1 0.98 -0.12 0.88 0.5 L0.08 1.48 C0.35 1.3 0.6 1.6 0.96 1.4',
    'M0.12 0.2 C0.45 -0.12 1.0 0.0 0.9 0.5 C0.8 0.9 0.55 1.15 0.25 1.38 C0.0 1.5 0.0 1.1 0.3 1.28 C0.5 1.4 0.7 1.55 0.98 1.42',
  ],
  3: [
    'M0.1 0.24 C0.3 -0.14 0.95 -0.06 0.86 0.4 C0.82 0.64 0.6 0.7 0.36 0.7 C0.7 0.7 0.96 0.82 0.95 1.1 C0.94 1.62 0.2 1.62 0.04 1.2',
    'M0.08 0.03 L0.86 0.03 L0.42 0.62 C0.75 0.6 0.98 0.8 0.95 1.08 C0.9 1.6 0.25 1.6 0.04 1.28',
    'M0.15 0.12 C0.5 -0.12 0.98 0.06 0.82 0.45 C0.74 0.62 0.55 0.66 0.4 0.72 C0.75 0.66 1.06 0.94 0.9 1.25 C0.74 1.55 0.3 1.55 0.02 1.36',
  ],
  4: [
    'M0.68 1.5 L0.68 0 L0.02 1.04 L0.98 1.04',
    'M0.3 0.02 L0.1 0.8 L0.95 0.8 M0.74 0.3 L0.7 1.5',
    'M0.22 0.0 C0.2 0.35 0.12 0.6 0.06 0.86 C0.35 0.92 0.65 0.88 0.98 0.84 M0.7 0.1 C0.68 0.6 0.66 1.1 0.62 1.5',
  ],
  5: [
    'M0.9 0.02 L0.2 0.02 L0.12 0.66 C0.4 0.44 0.98 0.5 0.95 1.0 C0.92 1.62 0.2 1.6 0.04 1.26',
    'M0.92 0.06 C0.6 0.0 0.4 0.08 0.22 0.04 C0.22 0.3 0.14 0.4 0.14 0.62 C0.6 0.5 1.0 0.75 0.88 1.14 C0.76 1.5 0.3 1.58 0.02 1.4',
    'M0.26 0.05 L0.18 0.6 C0.7 0.46 1.04 0.8 0.9 1.15 C0.78 1.52 0.28 1.56 0.06 1.3 M0.24 0.05 L0.94 0.0',
  ],
  6: [
    'M0.82 0.08 C0.4 -0.05 0.04 0.5 0.06 1.0 C0.08 1.66 0.95 1.66 0.94 1.04 C0.92 0.5 0.2 0.5 0.06 1.0',
    'M0.66 0.0 C0.35 0.3 0.1 0.7 0.08 1.05 C0.08 1.62 0.9 1.62 0.92 1.1 C0.92 0.64 0.3 0.62 0.12 0.96',
    'M0.86 0.2 C0.7 -0.1 0.2 -0.05 0.08 0.7 C-0.02 1.5 0.5 1.58 0.7 1.46 C1.04 1.3 1.0 0.72 0.6 0.7 C0.3 0.68 0.1 0.86 0.1 1.08',
  ],
  7: [
    'M0.04 0.03 L0.95 0.03 C0.7 0.45 0.4 0.9 0.34 1.5',
    'M0.06 0.24 L0.08 0.04 L0.94 0.04 L0.36 1.5',
    'M0.04 0.22 C0.08 0.0 0.2 0.02 0.4 0.05 C0.6 0.08 0.8 0.06 0.96 0.0 C0.75 0.5 0.5 1.0 0.42 1.5',
  ],
  8: [
    'M0.5 0.68 C-0.02 0.6 0.0 0.0 0.5 0.0 C1.0 0.0 1.02 0.6 0.5 0.68 C-0.12 0.78 -0.1 1.5 0.5 1.5 C1.1 1.5 1.12 0.78 0.5 0.68',
    'M0.84 0.2 C0.6 -0.1 0.08 -0.05 0.14 0.36 C0.2 0.7 0.94 0.76 0.92 1.14 C0.9 1.6 0.1 1.6 0.1 1.14 C0.12 0.76 0.86 0.66 0.84 0.2',
    'M0.46 0.7 C0.0 0.5 0.15 0.02 0.52 0.02 C0.92 0.02 0.96 0.55 0.46 0.7 C-0.08 0.9 0.0 1.48 0.48 1.48 C1.08 1.48 1.02 0.86 0.46 0.7',
  ],
  9: [
    'M0.92 0.46 C0.9 -0.14 0.06 -0.14 0.06 0.46 C0.06 1.0 0.86 1.0 0.92 0.46 C0.96 0.95 0.7 1.4 0.26 1.48',
    'M0.88 0.34 C0.7 -0.12 0.08 -0.06 0.08 0.44 C0.1 0.96 0.78 0.94 0.88 0.3 L0.86 1.5',
    'M0.9 0.4 C0.88 -0.12 0.1 -0.1 0.08 0.46 C0.1 0.94 0.74 0.96 0.9 0.44 C0.94 1.0 0.86 1.56 0.2 1.42',
  ],
};

export const handsOf = (digit: string): number => (HANDS[digit] ?? []).length;

const PIECES_PER_CURVE = 8;

type Point = readonly [number, number];

/** One hand's shape of a digit as line pieces: x1, y1, x2, y2, one after another. */
export function linesOf(digit: string, hand: number): Float64Array {
  const path = HANDS[digit]?.[hand];
  if (path === undefined) throw new RangeError('no such digit or hand');
  const pieces: number[] = [];
  let at: Point = [0, 0];
  for (const [, letter, numbers = ''] of path.matchAll(/([MLC])([^MLC]+)/g)) {
    const points = pointsOf(numbers);
    const end = points.at(-1)!;
    if (letter === 'L') pieces.push(...at, ...end);
    if (letter === 'C') pieces.push(...piecesOfCurve(at, points));
    at = end;
  }
  return Float64Array.from(pieces);
}

function pointsOf(numbers: string): Point[] {
  const values = numbers.trim().split(/ +/).map(Number);
  return Array.from({ length: values.length / 2 }, (_, i) => [values[2 * i]!, values[2 * i + 1]!] as const);
}

function piecesOfCurve(from: Point, [a, b, to]: readonly Point[]): number[] {
  const points = Array.from({ length: PIECES_PER_CURVE + 1 }, (_, i): Point => {
    const t = i / PIECES_PER_CURVE;
    const s = 1 - t;
    const of = (axis: 0 | 1): number =>
      s * s * s * from[axis] + 3 * s * s * t * a![axis] + 3 * s * t * t * b![axis] + t * t * t * to![axis];
    return [of(0), of(1)];
  });
  return points.slice(1).flatMap((point, i) => [...points[i]!, ...point]);
}
