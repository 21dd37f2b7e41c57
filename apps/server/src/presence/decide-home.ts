// Is the home that a host shows the newest one of its peer (trap: yesterday's copy, and clones)? Pure.
import type { HomeRun } from '#protocol';

/** What the broker acknowledged last. */
export interface KnownRun {
  readonly epoch: number;
  readonly runId: string;
}

export type HomeDecision =
  | {
      readonly ok: true;
      readonly next: KnownRun /** The broker itself had forgotten some. */;
      readonly isAhead: boolean;
    }
  | { readonly ok: false; readonly code: 'home_restored' };

/**
 * A home shows the run that was acknowledged last and the one that it would be next; each acknowledgement counts the
 * epoch up. A copy of it falls behind as soon as the other one is acknowledged, whichever that is.
 *
 * known    null for a peer whose home was never acknowledged
 * returns  home_restored for a home that is behind
 */
export function decideHome(known: KnownRun | null, shown: HomeRun): HomeDecision {
  const next = { epoch: shown.epoch + 1, runId: shown.runId };
  if (known === null) return { ok: true, next, isAhead: false };
  // Its host did not hear the last acknowledgement, and asks for the same again.
  if (known.runId === shown.runId) return { ok: true, next: known, isAhead: false };
  if (shown.restored)
    return { ok: true, next: { epoch: Math.max(known.epoch, shown.epoch) + 1, runId: shown.runId }, isAhead: false };
  if (shown.epoch === known.epoch && shown.previousRunId === known.runId) return { ok: true, next, isAhead: false };
  // Nobody but this broker gives out epochs: one that it does not know it has forgotten, being restored itself.
  if (shown.epoch > known.epoch) return { ok: true, next, isAhead: true };
  return { ok: false, code: 'home_restored' };
}
