// What one host tells of churn: how long it was there, and whether it was lost. Pure.
import type { PeerState, StateCode } from '#protocol';

/** A host that holds shards of others, or did. */
export interface HostLife {
  readonly enrolledAtMs: number;
  readonly state: PeerState;
  /** Of the last change of the state; null for a host whose state never changed. */
  readonly stateChangedAtMs: number | null;
  readonly stateCode: StateCode | null;
  /** State before the last change. */
  readonly stateBefore: PeerState | null;
  /** When it was last there as a host. */
  readonly thereAtMs: number;
}

export interface ObservedTime {
  readonly fromMs: number;
  /** The last moment at which anybody was heard: a broker that is cut off has lost nobody. */
  readonly toMs: number;
}

export interface ObservedLife {
  readonly thereMs: number;
  readonly isLost: boolean;
}

/** A host that left in order held nothing when it was gone, and one that its operator suspended may come back: no losses. */
export function observeHost(host: HostLife, { fromMs, toMs }: ObservedTime, silentForMs: number): ObservedLife {
  const end = endOf(host, toMs, silentForMs);
  const thereMs = Math.max(0, Math.min(end?.atMs ?? toMs, toMs) - Math.max(host.enrolledAtMs, fromMs));
  return { thereMs, isLost: end?.isLoss === true && end.atMs >= fromMs };
}

function endOf(
  { state, stateBefore, stateCode, stateChangedAtMs, thereAtMs }: HostLife,
  toMs: number,
  silentForMs: number,
): { readonly atMs: number; readonly isLoss: boolean } | null {
  const isSilent = toMs - thereAtMs > silentForMs;
  const changedAtMs = stateChangedAtMs ?? thereAtMs;
  switch (state) {
    case 'revoked':
      return { atMs: changedAtMs, isLoss: stateBefore !== 'gone' };
    case 'suspended':
      // An operator suspends once more whom the audits suspended before.
      return { atMs: changedAtMs, isLoss: stateCode === 'audits_failed' || stateBefore === 'suspended' };
    case 'gone':
      return { atMs: changedAtMs, isLoss: false };
    case 'vetting':
    case 'active':
    case 'leaving':
      return isSilent ? { atMs: thereAtMs, isLoss: true } : null;
  }
}
