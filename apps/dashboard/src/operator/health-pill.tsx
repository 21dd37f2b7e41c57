// How a part of the broker is, in a word.
import { Pill } from '../shared/pill.js';
import type { HealthState } from './answers.js';

const TONES = { ok: 'good', degraded: 'warn', failed: 'bad' } as const;

export function HealthPill({ state }: { readonly state: HealthState }) {
  return <Pill tone={TONES[state]}>{state}</Pill>;
}
