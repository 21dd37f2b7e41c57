// The entries that a run left out, for the JSON result: bounded, because the summary counts them all anyway.
import type { EngineEvent } from '#backup';

const PROBLEMS_LISTED_MAX = 1_000;

export class ProblemList {
  readonly listed: { readonly path: string; readonly code: string; readonly reason: string }[] = [];

  note(event: EngineEvent): void {
    if (event.kind !== 'skipped' || this.listed.length >= PROBLEMS_LISTED_MAX) return;
    const { path, code, reason } = event;
    this.listed.push({ path, code, reason });
  }
}
