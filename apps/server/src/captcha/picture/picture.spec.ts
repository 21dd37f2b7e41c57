// B2: a template matcher reads undistorted pictures and hardly ever a real one. Seeded: every run draws the same.
import { createHash } from 'node:crypto';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { type Random, randomFrom } from '../random-source.js';
import { guess } from '../testing/template-matcher.js';
import { DISTORTION, type Distortion, drawPicture, PICTURE_HEIGHT, PICTURE_WIDTH } from './draw-picture.js';
import { encodePng } from './encode-png.js';
import { ALPHABET, handsOf } from './glyphs.js';

const PICTURES = 200;
const UNDISTORTED: Distortion = {
  turn: 0,
  shear: 0,
  stretch: 0,
  lift: 0,
  advance: [1.3, 1.3],
  wave: 0,
  inkLines: 0,
  paperLines: 0,
  scraps: 0,
  speckle: 0,
};

const seeded = (name: string): Random => randomFrom(createHash('sha256').update(name).digest());

const answerBy = (random: Random): string =>
  Array.from({ length: 6 }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join('');

/** How many of PICTURES the matcher solves. */
function solvedOf(distortion: Distortion): number {
  let solved = 0;
  for (let i = 0; i < PICTURES; i++) {
    const random = seeded(`picture ${i}`);
    const answer = answerBy(random);
    if (guess(drawPicture(answer, random, distortion), answer.length) === answer) solved++;
  }
  return solved;
}

describe('the picture against a template matcher (B2)', () => {
  it('is solved less than one time in twenty', () => {
    expect(solvedOf(DISTORTION)).toBeLessThan(PICTURES * 0.05);
  });

  it('is solved more than nine times in ten without its distortion: the matcher works', () => {
    expect(solvedOf(UNDISTORTED)).toBeGreaterThan(PICTURES * 0.9);
  });
});

describe('drawPicture', () => {
  it('draws the same answer differently each time, and the same for the same randomness', () => {
    const draw = (seed: string): Uint8Array => drawPicture('234567', seeded(seed)).grey;
    expect(draw('a')).toEqual(draw('a'));
    const [one, two] = [draw('a'), draw('b')];
    const same = one.filter((grey, i) => grey < 128 === two[i]! < 128).length;
    // Speckle alone would leave nearly all pixels on their side of the middle.
    expect(same / one.length).toBeLessThan(0.97);
  });

  it('has more than one hand for every digit', () => {
    for (const digit of ALPHABET) expect(handsOf(digit)).toBeGreaterThan(1);
  });

  it('leaves room around the answer, however wide it falls', () => {
    for (let i = 0; i < 50; i++) {
      const { grey } = drawPicture('888888', seeded(`room ${i}`), {
        ...DISTORTION,
        inkLines: 0,
        scraps: 0,
        speckle: 0,
      });
      for (let y = 0; y < PICTURE_HEIGHT; y++) {
        expect(grey[y * PICTURE_WIDTH]).toBeGreaterThan(128);
        expect(grey[(y + 1) * PICTURE_WIDTH - 1]).toBeGreaterThan(128);
      }
    }
  });
});

describe('encodePng', () => {
  it('is read back as the same grey pixels', async () => {
    const raster = drawPicture('234567', seeded('png'));
    const { width, height, data } = PNG.sync.read(await encodePng(raster));
    expect([width, height]).toEqual([PICTURE_WIDTH, PICTURE_HEIGHT]);
    expect(Uint8Array.from(raster.grey, (_, i) => data[4 * i]!)).toEqual(raster.grey);
  });
});
