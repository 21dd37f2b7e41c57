// Speaks an answer and mixes it with noise and babble: voices, pitch, speed, loudness and pauses differ every time. Pure.
import { ALPHABET } from '../picture/glyphs.js';
import { between, pick, type Random } from '../random-source.js';
import { clipOf, loudnessOf, SAMPLE_RATE, scale, VOICES } from './clips.js';

/** How much louder a spoken digit is than everything that runs under it, decibels of mean power. */
export const SPEECH_OVER_NOISE_DB = [8, 11] as const;

const LEAD_SECONDS = [0.7, 1.1] as const;
const PAUSE_SECONDS = [0.5, 0.95] as const;
const TAIL_SECONDS = 0.5;
/** One factor for pitch and speed together, as of a tape that runs slower or faster. */
const TAPE_SPEED = [0.86, 1.1] as const;
const LOUDNESS_DB = [-1.5, 1.5] as const;
const BABBLERS_PER_SECOND = 4;
const PEAK = 0.9;

export interface SpokenWord {
  readonly start: number;
  readonly length: number;
}

export interface Speech {
  readonly samples: Float32Array;
  /** Where each digit stands, in samples, in order. */
  readonly words: readonly SpokenWord[];
}

/** The mixed sound of an answer, samples in -1..1 at SAMPLE_RATE. */
export function mixSound(answer: string, random: Random): Float32Array {
  const { samples, words } = speak(answer, random);
  const noise = makeNoise(samples.length, random);
  const wordLoudness = Math.min(
    ...words.map(({ start, length }) => loudnessOf(samples.subarray(start, start + length))),
  );
  scale(noise, wordLoudness / decibels(between(random, ...SPEECH_OVER_NOISE_DB)) / loudnessOf(noise));
  for (let i = 0; i < samples.length; i++) samples[i]! += noise[i]!;
  scale(samples, PEAK / peakOf(samples));
  return samples;
}

/** The digits alone, with silence around them. */
export function speak(answer: string, random: Random): Speech {
  const spoken = [...answer].map((digit) => {
    const { samples } = clipOf(digit, Math.floor(random() * VOICES));
    const word = playAtSpeed(samples, between(random, ...TAPE_SPEED));
    scale(word, decibels(between(random, ...LOUDNESS_DB)));
    return { word, pauseBefore: Math.round(SAMPLE_RATE * between(random, ...PAUSE_SECONDS)) };
  });
  let end = Math.round(SAMPLE_RATE * between(random, ...LEAD_SECONDS));
  const words = spoken.map(({ word, pauseBefore }, i) => {
    const start = end + (i === 0 ? 0 : pauseBefore);
    end = start + word.length;
    return { start, length: word.length };
  });
  const samples = new Float32Array(end + Math.round(SAMPLE_RATE * TAIL_SECONDS));
  for (const [i, { word }] of spoken.entries()) samples.set(word, words[i]!.start);
  return { samples, words };
}

/** Hiss, and many voices that say digits backwards: like speech to a machine, and no digit to a person. */
function makeNoise(length: number, random: Random): Float32Array {
  const noise = new Float32Array(length);
  const babblers = Math.ceil((length / SAMPLE_RATE) * BABBLERS_PER_SECOND);
  for (let i = 0; i < babblers; i++) {
    const { samples } = clipOf(pick(random, [...ALPHABET]), Math.floor(random() * VOICES));
    const backwards = playAtSpeed(samples, between(random, 0.75, 1.25)).reverse();
    const start = Math.floor(between(random, -0.05, 1) * length);
    const loudness = between(random, 0.5, 1);
    for (let j = Math.max(0, -start); j < backwards.length && start + j < length; j++) {
      noise[start + j]! += loudness * backwards[j]!;
    }
  }
  // Hiss with more bass than treble, as loud as two of the voices.
  let bass = 0;
  for (let i = 0; i < length; i++) {
    const white = random() * 2 - 1;
    bass += 0.3 * (white - bass);
    noise[i]! += 0.18 * bass + 0.09 * white;
  }
  return noise;
}

function playAtSpeed(samples: Float32Array, speed: number): Float32Array {
  const played = new Float32Array(Math.floor((samples.length - 1) / speed));
  for (let i = 0; i < played.length; i++) {
    const at = Math.floor(i * speed);
    const part = i * speed - at;
    played[i] = samples[at]! * (1 - part) + samples[at + 1]! * part;
  }
  return played;
}

const decibels = (level: number): number => 10 ** (level / 20);

function peakOf(samples: Float32Array): number {
  let peak = 0;
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
  return peak;
}
