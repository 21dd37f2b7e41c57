// What another policy would change in the network as it is: counted from a survey, before anybody sets it. Pure.
import { isDeepStrictEqual } from 'node:util';
import type { Policy } from '../../config/policy.js';
import { durabilityClassOf, everyDurabilityClass } from '../../exchange/durability-class.js';
import { ELIGIBLE_HOST_BYTES_MIN } from '../../limits.js';
import { decideRedundancy } from '../../placement/decide-redundancy.js';

/** The live state, as far as a policy bears on it. */
export interface NetworkSurvey {
  readonly nowMs: number;
  /** Peers that offer space and are not shut out. */
  readonly hosts: readonly { readonly seenAtMs: number; readonly freeBytes: number }[];
  /** Objects that are not deleted, counted by what is the same in them. */
  readonly objects: readonly SurveyedObjects[];
  /** When each current transaction key was made. */
  readonly keysCreatedAtMs: readonly number[];
  readonly accounts: number;
  /** Accounts whose peers have proved that they store. */
  readonly earningAccounts: number;
}

export interface SurveyedObjects {
  readonly durability: string;
  readonly dataShards: number;
  readonly totalShards: number;
  readonly safeShards: number;
  readonly storedShards: number;
  readonly objects: number;
}

export interface Code {
  readonly dataShards: number;
  readonly totalShards: number;
  readonly safeShards: number;
}

interface BeforeAndAfter<T> {
  readonly before: T;
  readonly after: T;
}

export interface PolicyEffect {
  /** Hosts that could take a shard. */
  readonly eligibleHosts: BeforeAndAfter<number>;
  /** The code of new objects, by durability class; null where there are too few hosts, or no such class. */
  readonly redundancy: readonly (BeforeAndAfter<Code | null> & { readonly durability: string })[];
  readonly objects: {
    readonly total: number;
    /** With fewer shards than are safe. */
    readonly belowThreshold: BeforeAndAfter<number>;
    /** Of another code than new objects of their class get. */
    readonly ofAnotherCode: BeforeAndAfter<number>;
  };
  readonly transactionKeysToRenew: BeforeAndAfter<number>;
  /** `affected`: what they earn is counted otherwise from the next day on. */
  readonly accounts: { readonly total: number; readonly affected: number };
}

export function decidePolicyEffect(survey: NetworkSurvey, current: Policy, next: Policy): PolicyEffect {
  const both = <T>(ask: (policy: Policy) => T): BeforeAndAfter<T> => ({ before: ask(current), after: ask(next) });
  const names = [...new Set([current, next].flatMap((policy) => everyDurabilityClass(policy).map(({ name }) => name)))];
  const { total, earning } = { total: survey.accounts, earning: survey.earningAccounts };
  const earnsOtherwise = !isDeepStrictEqual(current.exchange, next.exchange);
  return {
    eligibleHosts: both((policy) => eligibleHosts(survey, policy)),
    redundancy: names.map((durability) => ({
      durability,
      ...both((policy) => codeOf(policy, durability, eligibleHosts(survey, policy))),
    })),
    objects: {
      total: sum(survey.objects, () => true),
      belowThreshold: both((policy) =>
        sum(survey.objects, (object) => object.storedShards < safeShards(policy, object)),
      ),
      ofAnotherCode: both((policy) => {
        const hosts = eligibleHosts(survey, policy);
        return sum(survey.objects, (object) => isOtherCode(codeOf(policy, object.durability, hosts), object));
      }),
    },
    transactionKeysToRenew: both(
      ({ transactionKeyLifeMs }) =>
        survey.keysCreatedAtMs.filter((atMs) => survey.nowMs - atMs >= transactionKeyLifeMs).length,
    ),
    accounts: { total, affected: earnsOtherwise ? earning : 0 },
  };
}

function eligibleHosts({ hosts, nowMs }: NetworkSurvey, { presenceTtlMs }: Policy): number {
  return hosts.filter((host) => host.seenAtMs >= nowMs - presenceTtlMs && host.freeBytes >= ELIGIBLE_HOST_BYTES_MIN)
    .length;
}

function codeOf(policy: Policy, durability: string, hosts: number): Code | null {
  const asked = durabilityClassOf(policy, durability);
  const decision = asked === null ? null : decideRedundancy(asked.redundancy, hosts);
  if (decision === null || !decision.ok) return null;
  const { dataShards, totalShards, safeShards } = decision.redundancy;
  return { dataShards, totalShards, safeShards };
}

/** Of an object that is there: what the table says of its code, or what it was made with. */
function safeShards(policy: Policy, object: SurveyedObjects): number {
  const table = durabilityClassOf(policy, object.durability)?.redundancy ?? policy.redundancy;
  const row = table.find((each) => each.dataShards === object.dataShards && each.totalShards === object.totalShards);
  return row?.safeShards ?? object.safeShards;
}

function isOtherCode(code: Code | null, { dataShards, totalShards }: SurveyedObjects): boolean {
  return code !== null && (code.dataShards !== dataShards || code.totalShards !== totalShards);
}

function sum(objects: readonly SurveyedObjects[], counts: (objects: SurveyedObjects) => boolean): number {
  return objects.filter(counts).reduce((all, group) => all + group.objects, 0);
}
