// Durability classes: how an object is coded and what it costs, by the class that its backup asked for. Pure.
import type { Policy } from '../config/policy.js';
import type { RedundancyRow } from '../config/redundancy-row.js';

export interface DurabilityClass {
  readonly name: string;
  /** Bytes of credit for one byte of backup. */
  readonly ratio: number;
  readonly redundancy: readonly RedundancyRow[];
}

type ClassPolicy = Pick<Policy, 'redundancy' | 'exchange'>;

/** The class of this name; absent: the default one. null when the policy has none of the name. */
export function durabilityClassOf(policy: ClassPolicy, name = policy.exchange.defaultClass): DurabilityClass | null {
  if (!Object.hasOwn(policy.exchange.classes, name)) return null;
  const { ratio, redundancy = policy.redundancy } = policy.exchange.classes[name]!;
  return { name, ratio, redundancy };
}

export function everyDurabilityClass(policy: ClassPolicy): DurabilityClass[] {
  return Object.keys(policy.exchange.classes).map((name) => durabilityClassOf(policy, name)!);
}
