// Draws an answer as a raster of grey: glyphs of varying hands, each bent, turned and run into its neighbour, on blotchy
// paper with lines across and speckle. No shape of a glyph leaves, only pixels. Pure.
import { between, type Random } from '../random-source.js';
import { GLYPH_HEIGHT, handsOf } from './glyphs.js';
import { distanceAt, penDistanceOf } from './pen-distance.js';

export const PICTURE_WIDTH = 340;
export const PICTURE_HEIGHT = 110;

export interface Raster {
  readonly width: number;
  readonly height: number;
  /** One byte a pixel, 0 black to 255 white, row after row. */
  readonly grey: Uint8Array;
}

/** How strongly a picture is spoilt; lengths in pixels, angles in radians, the rest in parts of one. */
export interface Distortion {
  readonly turn: number;
  readonly shear: number;
  readonly stretch: number;
  readonly lift: number;
  /** From one glyph's middle to the next, as a part of a glyph's width. */
  readonly advance: readonly [number, number];
  readonly wave: number;
  readonly inkLines: number;
  readonly paperLines: number;
  readonly scraps: number;
  readonly speckle: number;
}

/** What people still read without strain, seen by eye; picture.spec.ts holds it against a template matcher. */
export const DISTORTION: Distortion = {
  turn: 0.26,
  shear: 0.22,
  stretch: 0.15,
  lift: 8,
  advance: [1.1, 1.22],
  wave: 4,
  inkLines: 2,
  paperLines: 2,
  scraps: 9,
  speckle: 22,
};

const GLYPH_WIDTH = 39;
const PEN_HALF_WIDTH = [0.086, 0.112] as const;
const PEN_UNEVENNESS = 0.16;
/** The widest pen, and half a pixel of its edge. */
const PEN_REACH = PEN_HALF_WIDTH[1] * (1 + PEN_UNEVENNESS) + 0.5 / GLYPH_WIDTH;

/**
 * answer       digits of ALPHABET
 * distortion   how strongly it is spoilt
 * returns      PICTURE_WIDTH x PICTURE_HEIGHT; different for every `random`
 */
export function drawPicture(answer: string, random: Random, distortion: Distortion = DISTORTION): Raster {
  const ink = new Float32Array(PICTURE_WIDTH * PICTURE_HEIGHT);
  const pushX = randomWave(random, distortion.wave);
  const pushY = randomWave(random, distortion.wave);
  for (const glyph of layOut(answer, random, distortion)) drawGlyph(ink, glyph, pushX, pushY);
  for (let i = 0; i < distortion.scraps; i++) drawScrap(ink, random);
  for (let i = 0; i < distortion.inkLines; i++) drawLine(ink, random, 1);
  for (let i = 0; i < distortion.paperLines; i++) drawLine(ink, random, 0);
  return { width: PICTURE_WIDTH, height: PICTURE_HEIGHT, grey: develop(ink, random, distortion) };
}

/** A slow wave over the whole picture: its height at every pixel, sin(kx x + ky y + phase) from sines of rows and columns. */
function randomWave(random: Random, strength: number): Float32Array {
  const kx = (2 * Math.PI) / (between(random, 70, 200) * (random() < 0.5 ? 1 : -1));
  const ky = (2 * Math.PI) / between(random, 60, 160);
  const phase = between(random, 0, 2 * Math.PI);
  const height = strength * between(random, 0.7, 1.2);
  const columns = Array.from({ length: PICTURE_WIDTH }, (_, x) => [Math.sin(kx * x), Math.cos(kx * x)] as const);
  const wave = new Float32Array(PICTURE_WIDTH * PICTURE_HEIGHT);
  for (let y = 0; y < PICTURE_HEIGHT; y++) {
    const [sin, cos] = [height * Math.sin(ky * y + phase), height * Math.cos(ky * y + phase)];
    for (let x = 0; x < PICTURE_WIDTH; x++) wave[y * PICTURE_WIDTH + x] = columns[x]![0] * cos + columns[x]![1] * sin;
  }
  return wave;
}

interface PlacedGlyph {
  readonly digit: string;
  readonly hand: number;
  readonly centreX: number;
  readonly centreY: number;
  /** From picture to glyph: x' = ax + by, y' = cx + dy, about the centre, in glyph units. */
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly bend: number;
  readonly penHalfWidth: number;
  readonly penPhase: number;
}

function layOut(answer: string, random: Random, distortion: Distortion): PlacedGlyph[] {
  const either = (most: number): number => between(random, -most, most);
  const advances = [...answer].slice(1).map(() => GLYPH_WIDTH * between(random, ...distortion.advance));
  const textWidth = advances.reduce((sum, advance) => sum + advance, 0);
  const room = Math.max(0, PICTURE_WIDTH - textWidth - 2 * GLYPH_WIDTH);
  let centreX = GLYPH_WIDTH + between(random, 0.25, 0.75) * room;
  return [...answer].map((digit, i) => {
    centreX += i === 0 ? 0 : advances[i - 1]!;
    const width = GLYPH_WIDTH * (1 + either(distortion.stretch));
    const height = GLYPH_WIDTH * (1 + either(distortion.stretch));
    const turn = either(distortion.turn);
    const shear = either(distortion.shear);
    const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
    return {
      digit,
      hand: Math.floor(random() * handsOf(digit)),
      centreX,
      centreY: PICTURE_HEIGHT / 2 + either(distortion.lift),
      a: (cos + shear * -sin) / width,
      b: (sin + shear * cos) / width,
      c: -sin / height,
      d: cos / height,
      bend: either(distortion.shear * 0.5),
      penHalfWidth: between(random, ...PEN_HALF_WIDTH),
      penPhase: between(random, 0, 2 * Math.PI),
    };
  });
}

function drawGlyph(ink: Float32Array, glyph: PlacedGlyph, pushX: Float32Array, pushY: Float32Array): void {
  const grid = penDistanceOf(glyph.digit, glyph.hand);
  const [top, bottom] = span(glyph.centreY, GLYPH_WIDTH * 1.3, PICTURE_HEIGHT);
  const [left, right] = span(glyph.centreX, GLYPH_WIDTH * 1.15, PICTURE_WIDTH);
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const at = y * PICTURE_WIDTH + x;
      const fromX = x + pushX[at]! - glyph.centreX;
      const fromY = y + pushY[at]! - glyph.centreY;
      const v = glyph.c * fromX + glyph.d * fromY + GLYPH_HEIGHT / 2;
      const u = glyph.a * fromX + glyph.b * fromY + 0.5 + glyph.bend * Math.sin(v * 2.1);
      const distance = distanceAt(grid, u, v);
      if (distance > PEN_REACH) continue;
      const half = glyph.penHalfWidth * (1 + PEN_UNEVENNESS * Math.sin(5 * u + 4 * v + glyph.penPhase));
      lay(ink, x, y, (half - distance) * GLYPH_WIDTH, 1);
    }
  }
}

/** A curve across the picture, of ink or, where it runs over ink, of paper. */
function drawLine(ink: Float32Array, random: Random, colour: 0 | 1): void {
  const start = between(random, 0.25, 0.75) * PICTURE_HEIGHT;
  const slope = between(random, -0.16, 0.16);
  const swing = between(random, 6, 16);
  const k = (2 * Math.PI) / between(random, 90, 220);
  const phase = between(random, 0, 2 * Math.PI);
  const half = colour === 1 ? between(random, 0.9, 1.5) : between(random, 0.7, 1.1);
  for (let x = 0; x < PICTURE_WIDTH; x++) {
    const middle = start + slope * (x - PICTURE_WIDTH / 2) + swing * Math.sin(k * x + phase);
    const steepness = slope + swing * k * Math.cos(k * x + phase);
    const upright = Math.hypot(1, steepness);
    const [top, bottom] = span(middle, half * upright + 2, PICTURE_HEIGHT);
    for (let y = top; y < bottom; y++) lay(ink, x, y, half - Math.abs(y - middle) / upright, colour);
  }
}

/** A short bow of ink, as wide as a pen stroke, that belongs to no glyph. */
function drawScrap(ink: Float32Array, random: Random): void {
  const centreX = between(random, 0, PICTURE_WIDTH);
  const centreY = between(random, 0, PICTURE_HEIGHT);
  const radius = between(random, 5, 12);
  const half = between(random, 0.9, 1.7);
  const from = between(random, 0, 2 * Math.PI);
  const arc = between(random, 0.7, 2);
  const [top, bottom] = span(centreY, radius + 3, PICTURE_HEIGHT);
  const [left, right] = span(centreX, radius + 3, PICTURE_WIDTH);
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const angle = (Math.atan2(y - centreY, x - centreX) - from + 4 * Math.PI) % (2 * Math.PI);
      const distance = Math.abs(Math.hypot(x - centreX, y - centreY) - radius);
      if (angle < arc) lay(ink, x, y, half - distance, 1);
    }
  }
}

/** Lay ink (1) or paper (0) on a pixel, as much as `inside` pixels of the shape's edge cover it. */
function lay(ink: Float32Array, x: number, y: number, inside: number, colour: 0 | 1): void {
  if (inside <= -0.5) return;
  const cover = Math.min(1, inside + 0.5);
  const at = y * PICTURE_WIDTH + x;
  ink[at] = colour === 1 ? Math.max(ink[at]!, cover) : ink[at]! * (1 - cover);
}

/** Ink and paper become grey: both change slowly over the picture, and every pixel has its speck. */
function develop(ink: Float32Array, random: Random, { speckle }: Distortion): Uint8Array {
  const grey = new Uint8Array(ink.length);
  const paperShade = randomWave(random, speckle === 0 ? 0 : 16);
  const inkShade = randomWave(random, speckle === 0 ? 0 : 22);
  for (let at = 0; at < grey.length; at++) {
    const paper = 216 + paperShade[at]!;
    const mixed = paper + (62 + inkShade[at]! - paper) * ink[at]!;
    // The sum of three even numbers is bell-shaped enough for a speck; now and then there is a big one.
    const bell = random() + random() + random() - 1.5;
    const big = random() < 0.02 ? 3 : 1;
    grey[at] = Math.round(Math.min(255, Math.max(0, mixed + bell * big * speckle)));
  }
  return grey;
}

function span(middle: number, reach: number, end: number): [number, number] {
  return [Math.max(0, Math.floor(middle - reach)), Math.min(end, Math.ceil(middle + reach))];
}
