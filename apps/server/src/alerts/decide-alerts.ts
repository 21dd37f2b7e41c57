// Decides from what is seen now, and what was seen before, what the operator is told: once when it begins, once when it ends,
// and again while it lasts. Pure.
import { ALERT_KINDS, ALERT_WORDS, type AlertKind } from './alert-kinds.js';
import type { AlertPolicy } from './alert-policy.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** `between`: not bad enough to begin, not good enough to end. So is what nothing is known of. */
export type Level = 'bad' | 'between' | 'good';

export interface Condition {
  readonly level: Level;
  /** In words, for a person; no name, address or id. */
  readonly detail: string;
}

export interface ConditionState {
  readonly badSinceMs: number | null;
  readonly goodSinceMs: number | null;
  /** Of the alert that has begun and not ended. */
  readonly alertId: string | null;
  /** When it was last told. */
  readonly toldAtMs: number | null;
}

export const NOTHING_SEEN: ConditionState = { badSinceMs: null, goodSinceMs: null, alertId: null, toldAtMs: null };

export interface AlertStep {
  readonly kind: AlertKind;
  readonly step: 'begin' | 'remind' | 'end';
  readonly alertId: string;
  readonly detail: string;
}

export interface DecidedAlerts {
  readonly states: ReadonlyMap<AlertKind, ConditionState>;
  readonly steps: readonly AlertStep[];
}

/** newId   draws the id of an alert that begins */
export function decideAlerts(
  before: ReadonlyMap<AlertKind, ConditionState>,
  seen: ReadonlyMap<AlertKind, Condition>,
  { policy, nowMs, newId }: { readonly policy: AlertPolicy; readonly nowMs: number; readonly newId: () => string },
): DecidedAlerts {
  const states = new Map<AlertKind, ConditionState>();
  const steps: AlertStep[] = [];
  for (const kind of ALERT_KINDS) {
    const { level, detail } = seen.get(kind) ?? { level: 'between', detail: '' };
    const state = sinceOf(before.get(kind) ?? NOTHING_SEEN, level, nowMs);
    const step = stepOf(kind, state, policy, nowMs);
    const alertId = step === 'begin' ? newId() : state.alertId;
    if (step !== null) steps.push({ kind, step, alertId: alertId!, detail });
    states.set(kind, afterStep(state, step, { alertId, nowMs }));
  }
  return { states, steps };
}

/** Whatever is not bad begins anew before an alert, and whatever is not good after one: that is what keeps it from wavering. */
function sinceOf(state: ConditionState, level: Level, nowMs: number): ConditionState {
  return {
    ...state,
    badSinceMs: level === 'bad' ? (state.badSinceMs ?? nowMs) : null,
    goodSinceMs: level === 'good' ? (state.goodSinceMs ?? nowMs) : null,
  };
}

function stepOf(
  kind: AlertKind,
  { badSinceMs, goodSinceMs, alertId, toldAtMs }: ConditionState,
  policy: AlertPolicy,
  nowMs: number,
): AlertStep['step'] | null {
  if (alertId === null) {
    const minutes = policy.raiseAfterMinutes[kind];
    const raiseAfterMs = minutes === undefined ? ALERT_WORDS[kind].raiseAfterMs : minutes * MINUTE_MS;
    return badSinceMs !== null && nowMs - badSinceMs >= raiseAfterMs ? 'begin' : null;
  }
  if (goodSinceMs !== null) return nowMs - goodSinceMs >= policy.clearAfterMinutes * MINUTE_MS ? 'end' : null;
  return nowMs - (toldAtMs ?? nowMs) >= policy.remindAfterHours * HOUR_MS ? 'remind' : null;
}

function afterStep(
  state: ConditionState,
  step: AlertStep['step'] | null,
  { alertId, nowMs }: { readonly alertId: string | null; readonly nowMs: number },
): ConditionState {
  switch (step) {
    case null:
      return state;
    case 'end':
      return { ...state, alertId: null, toldAtMs: null };
    case 'begin':
    case 'remind':
      return { ...state, alertId, toldAtMs: nowMs };
  }
}
