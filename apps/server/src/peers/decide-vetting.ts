// Whether a host has shown for long enough that it is there and keeps what it is given. Pure.
import type { VettingPolicy } from './vetting-policy.js';

const DAY_MS = 24 * 60 * 60_000;

export interface Probation {
  readonly enrolledAtMs: number;
  /** 0 to 1; null for a host that nobody has asked. */
  readonly uptime: number | null;
  readonly answers: number;
  readonly auditsPassed: number;
  readonly isInGoodStanding: boolean;
}

/** A peer that never hosted anything shows nothing, and stays on probation, which costs it nothing. */
export function isProbationOver(host: Probation, policy: VettingPolicy, nowMs: number): boolean {
  if (nowMs - host.enrolledAtMs < policy.days * DAY_MS) return false;
  if (host.uptime === null || host.uptime < policy.uptimeMin || host.answers < policy.answersMin) return false;
  return host.isInGoodStanding && host.auditsPassed >= policy.auditsMin;
}

/** A host that leaves is gone when it holds nothing, and not before its time. */
export function hasLeft(
  { leavingSinceMs, holds }: { readonly leavingSinceMs: number; readonly holds: number },
  days: number,
  nowMs: number,
): boolean {
  return holds === 0 && nowMs - leavingSinceMs >= days * DAY_MS;
}
