// The spoken digits as samples. Pure.
import { SPEECH } from './speech.js';

export const SAMPLE_RATE = 8_000;
export const VOICES = SPEECH.length;

export interface Clip {
  readonly digit: string;
  readonly voice: number;
  /** Samples in -1..1, all clips equally loud (root mean square 0.1). */
  readonly samples: Float32Array;
}

const CLIP_LOUDNESS = 0.1;
const clips = new Map<string, Clip>();

/** A digit in a voice; decoded when it is first asked for. */
export function clipOf(digit: string, voice: number): Clip {
  const key = `${digit}${voice}`;
  const known = clips.get(key);
  if (known !== undefined) return known;
  const text = SPEECH[voice]?.[digit];
  if (text === undefined) throw new RangeError('no such digit or voice');
  const samples = Float32Array.from(Buffer.from(text, 'base64'), decodeMuLaw);
  scale(samples, CLIP_LOUDNESS / loudnessOf(samples));
  const clip = { digit, voice, samples };
  clips.set(key, clip);
  return clip;
}

/** Root mean square. */
export function loudnessOf(samples: Float32Array): number {
  let squares = 0;
  for (const sample of samples) squares += sample * sample;
  return Math.sqrt(squares / samples.length);
}

export function scale(samples: Float32Array, factor: number): void {
  for (let i = 0; i < samples.length; i++) samples[i]! *= factor;
}

/** ITU-T G.711 mu-law: sign, three bits of exponent, four of mantissa, all inverted. */
function decodeMuLaw(byte: number): number {
  const bits = ~byte & 0xff;
  const magnitude = (((bits & 0x0f) << 3) + 0x84) << ((bits & 0x70) >> 4);
  return (((bits & 0x80) === 0 ? 1 : -1) * (magnitude - 0x84)) / 32_768;
}
