// How old what is shown is, and whether the broker still answers.
import type { Refused } from './api.js';
import { formatSpan } from './format.js';
import { useNow } from './use-now.js';

interface FreshnessParts {
  readonly loadedAtMs: number | null;
  readonly refusal: Refused | null;
}

/** Past this, data that should be live is called old. */
const OLD_MS = 30_000;

export function Freshness({ loadedAtMs, refusal }: FreshnessParts) {
  const nowMs = useNow(1_000);
  if (loadedAtMs === null) return null;
  const ageMs = Math.max(0, nowMs - loadedAtMs);
  const isOld = refusal !== null || ageMs > OLD_MS;
  return (
    <p class={`freshness${isOld ? ' old' : ''}`}>
      <span class="dot" aria-hidden="true" />
      {refusal === null ? 'Updated' : 'No answer; as of'} {ageMs < 2_000 ? 'just now' : `${formatSpan(ageMs)} ago`}
    </p>
  );
}
