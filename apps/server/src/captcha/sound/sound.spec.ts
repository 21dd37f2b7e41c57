// B2: the sound says the digits of the answer, in order, clearly louder than what runs under it, differently each time.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ALPHABET } from '../picture/glyphs.js';
import { type Random, randomFrom } from '../random-source.js';
import { clipOf, loudnessOf, SAMPLE_RATE, VOICES } from './clips.js';
import { encodeWav } from './encode-wav.js';
import { mixSound, SPEECH_OVER_NOISE_DB, speak } from './mix-sound.js';

const ANSWERS = ['234567', '987654', '999222', '383838', '546372'];
const seeded = (name: string): Random => randomFrom(createHash('sha256').update(name).digest());

/** The clip whose waveform, stretched to the word's length, is most like the word. */
function digitIn(word: Float32Array): { digit: string; likeness: number } {
  let best = { digit: '', likeness: -1 };
  for (const digit of ALPHABET) {
    for (let voice = 0; voice < VOICES; voice++) {
      const likeness = likenessOf(word, clipOf(digit, voice).samples);
      if (likeness > best.likeness) best = { digit, likeness };
    }
  }
  return best;
}

function likenessOf(word: Float32Array, clip: Float32Array): number {
  const step = (clip.length - 1) / word.length;
  let [both, squaresWord, squaresClip] = [0, 0, 0];
  for (let i = 0; i < word.length; i++) {
    const at = Math.min(clip.length - 2, Math.floor(i * step));
    const sample = clip[at]! + (i * step - at) * (clip[at + 1]! - clip[at]!);
    both += word[i]! * sample;
    squaresWord += word[i]! ** 2;
    squaresClip += sample ** 2;
  }
  return both / Math.sqrt(squaresWord * squaresClip);
}

describe('the sound (B2)', () => {
  it.each(ANSWERS)('says %s in this order', (answer) => {
    const { samples, words } = speak(answer, seeded(answer));
    const heard = words.map(({ start, length }) => digitIn(samples.subarray(start, start + length)));
    expect(heard.map(({ digit }) => digit).join('')).toBe(answer);
    for (const { likeness } of heard) expect(likeness).toBeGreaterThan(0.9);
    for (let i = 1; i < words.length; i++) {
      const end = words[i - 1]!.start + words[i - 1]!.length;
      expect(words[i]!.start - end).toBeGreaterThanOrEqual(0.5 * SAMPLE_RATE);
      expect(loudnessOf(samples.subarray(end, words[i]!.start))).toBe(0);
    }
  });

  it('is as long as six digits and their pauses are, and never silent', () => {
    for (const answer of ANSWERS) {
      const samples = mixSound(answer, seeded(answer));
      expect(samples.length / SAMPLE_RATE).toBeGreaterThan(5);
      expect(samples.length / SAMPLE_RATE).toBeLessThan(13);
      const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
      expect(peak).toBeCloseTo(0.9, 3);
      for (let at = 0; at + SAMPLE_RATE / 4 < samples.length; at += SAMPLE_RATE / 4) {
        expect(loudnessOf(samples.subarray(at, at + SAMPLE_RATE / 4))).toBeGreaterThan(0.002);
      }
    }
  });

  it('has every digit 8 to 11 dB or more above the noise under it', () => {
    for (const answer of ANSWERS) {
      const { samples: clean, words } = speak(answer, seeded(answer));
      const mixed = mixSound(answer, seeded(answer));
      // The same randomness speaks the same first; what the mix adds, once scaled alike, is the noise.
      const factor = factorOf(clean, mixed);
      const noise = mixed.map((sample, i) => sample / factor - clean[i]!);
      const levels = words.map(({ start, length }) => loudnessOf(clean.subarray(start, start + length)));
      const [quietest, loudest] = [Math.min(...levels), Math.max(...levels)];
      const overNoise = (level: number): number => 20 * Math.log10(level / loudnessOf(noise));
      expect(overNoise(quietest)).toBeGreaterThan(SPEECH_OVER_NOISE_DB[0] - 0.5);
      expect(overNoise(quietest)).toBeLessThan(SPEECH_OVER_NOISE_DB[1] + 0.5);
      expect(overNoise(loudest)).toBeLessThan(SPEECH_OVER_NOISE_DB[1] + 4);
    }
  });

  it('differs for the same answer each time, in length too', () => {
    const sounds = ['a', 'b', 'c', 'd'].map((seed) => mixSound('234567', seeded(seed)));
    expect(new Set(sounds.map(({ length }) => length)).size).toBe(4);
    expect(mixSound('234567', seeded('a'))).toEqual(sounds[0]);
  });
});

/** The factor that brings the clean speech to its level in the mix, by least squares: noise is not like speech. */
function factorOf(clean: Float32Array, mixed: Float32Array): number {
  let [both, squares] = [0, 0];
  for (let i = 0; i < clean.length; i++) {
    both += clean[i]! * mixed[i]!;
    squares += clean[i]! ** 2;
  }
  return both / squares;
}

describe('encodeWav', () => {
  it('writes a header that fits its samples', () => {
    const file = encodeWav(Float32Array.of(0, 0.5, -1, 2), SAMPLE_RATE);
    expect(file.toString('latin1', 0, 4) + file.toString('latin1', 8, 16)).toBe('RIFFWAVEfmt ');
    expect(file.readUInt32LE(4)).toBe(file.length - 8);
    expect(file.readUInt32LE(24)).toBe(8_000);
    expect([44, 46, 48, 50].map((at) => file.readInt16LE(at))).toEqual([0, 16_384, -32_767, 32_767]);
  });
});
