// The operator's policy: DATA/policy.json, every field optional with a safe default, every fault told at once.
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import {
  CLOCK_SKEW_MS_MAX,
  ProtocolError,
  TOKEN_LIFE_LONG_MS_MAX,
  TOKEN_LIFE_SHORT_MS_MAX,
  TOKEN_LIFE_UNIVERSAL_MS_MAX,
} from '#protocol';
import { signInPolicy } from '../accounts/sign-in-policy.js';
import { adminPolicy } from '../admin/admin-policy.js';
import { alertPolicy } from '../alerts/alert-policy.js';
import { auditPolicy } from '../audits/audit-policy.js';
import { captchaPolicy } from '../captcha/captcha-policy.js';
import { churnPolicy } from '../churn/churn-policy.js';
import { exchangePolicy } from '../exchange/exchange-policy.js';
import { healthPolicy } from '../health/health-policy.js';
import { historyPolicy } from '../history/history-policy.js';
import { keepFilterPolicy } from '../keep-filter/keep-filter-policy.js';
import { kitPolicy } from '../kits/kit-policy.js';
import { lanPolicy } from '../lan/lan-policy.js';
import { loadPolicy } from '../load/load-policy.js';
import { mailPolicy } from '../mail/mail-policy.js';
import { leavingPolicy, vettingPolicy } from '../peers/vetting-policy.js';
import { placementPolicy } from '../placement/placement-policy.js';
import { cidrField } from '../platform/remote-address.js';
import { webUrlField } from '../platform/web-address.js';
import { ADDRESS_RANGES } from '../presence/judge-address.js';
import { relayDomainField, relayPolicy } from '../relays/relay-policy.js';
import { repairPolicy } from '../repairs/repair-policy.js';
import { sessionPolicy } from '../sessions/session-policy.js';
import { signingPolicy } from '../signing/signing-policy.js';
import { type RedundancyRow, redundancyTable } from './redundancy-row.js';

export type { RedundancyRow } from './redundancy-row.js';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const GiB = 1024 ** 3;

const REDUNDANCY: RedundancyRow[] = [
  { hosts: 6, dataShards: 4, totalShards: 6, safeShards: 5 },
  { hosts: 5, dataShards: 3, totalShards: 5, safeShards: 4 },
  { hosts: 4, dataShards: 2, totalShards: 4, safeShards: 3 },
  { hosts: 3, dataShards: 2, totalShards: 3, safeShards: 3 },
  { hosts: 2, dataShards: 1, totalShards: 2, safeShards: 2 },
  { hosts: 1, dataShards: 1, totalShards: 1, safeShards: 1 },
];

const policySchema = z
  .strictObject({
    /** The codes of new objects, where their durability class has none of its own. */
    redundancy: redundancyTable.default(REDUNDANCY),
    /** What storing costs and hosting earns (B22). */
    exchange: exchangePolicy.prefault({}),
    /** Bytes of backup that a new account may store before it has earned any. */
    openingCreditBytes: z
      .int()
      .min(0)
      .default(10 * GiB),
    presenceIntervalMs: z.int().min(100).max(DAY_MS).default(30_000),
    /** A host that said nothing for so long gets no new shards. */
    presenceTtlMs: z.int().min(100).max(DAY_MS).default(90_000),
    tokenLifeMs: z.int().min(1_000).max(TOKEN_LIFE_SHORT_MS_MAX).default(TOKEN_LIFE_SHORT_MS_MAX),
    /** Of a token for several shards at once, or for a stream. */
    longTokenLifeMs: z.int().min(1_000).max(TOKEN_LIFE_LONG_MS_MAX).default(TOKEN_LIFE_LONG_MS_MAX),
    universalTokenLifeMs: z.int().min(1_000).max(TOKEN_LIFE_UNIVERSAL_MS_MAX).default(TOKEN_LIFE_UNIVERSAL_MS_MAX),
    /** When universal tokens are offered (B13). */
    universal: z.enum(['never', 'under-load', 'always']).default('under-load'),
    load: loadPolicy.prefault({}),
    /** After the end of a token, how long reports about it may still come before its reservation is given back. */
    reportGraceMs: z
      .int()
      .min(0)
      .max(DAY_MS)
      .default(10 * MINUTE_MS),
    /** After that time, how long reports still count: a host, or a client, that was away comes back and says what happened. */
    reportWindowMs: z
      .int()
      .min(0)
      .max(31 * DAY_MS)
      .default(7 * DAY_MS),
    transactionKeyLifeMs: z
      .int()
      .min(60 * MINUTE_MS)
      .default(30 * DAY_MS),
    transactionKeyTokensMax: z.int().min(1).default(1_000_000),
    /** Ask hosts at the address that they connect from, before they get shards and then again and again (B8). */
    probeHosts: z.boolean().default(true),
    probeIntervalMs: z
      .int()
      .min(1_000)
      .max(DAY_MS)
      .default(5 * MINUTE_MS),
    probeTimeoutMs: z.int().min(100).max(MINUTE_MS).default(10_000),
    /** Probes in a row that fail before a host gets no new shards. */
    probeFailuresMax: z.int().min(1).max(100).default(3),
    /** Where so great a share of the hosts that answered before is lost at once, the fault is the broker's own network. */
    probeLostShareMax: z.number().min(0.1).max(1).default(0.8),
    placement: placementPolicy.prefault({}),
    vetting: vettingPolicy.prefault({}),
    leaving: leavingPolicy.prefault({}),
    /** How hosts show that they hold what they were given (B23). */
    audits: auditPolicy.prefault({}),
    /** How hosts learn what they should hold. */
    keepFilter: keepFilterPolicy.prefault({}),
    /** When objects are repaired by the network, and by whom (B22). */
    repair: repairPolicy.prefault({}),
    /** How the loss of hosts is measured (B25). */
    churn: churnPolicy.prefault({}),
    /** How long the keys are used with which the broker signs, and those of local networks (F2, T8). */
    signing: signingPolicy.prefault({}),
    /** What neighbours on local networks may be approved for (T8). */
    lan: lanPolicy.prefault({}),
    /** Restores while there is no broker. */
    recoveryKits: kitPolicy.prefault({}),
    /** What relays may carry, and for how long (F2). */
    relay: relayPolicy.prefault({}),
    /** Peers are reached by browsers at `<name>.<relayDomain>`; null: they have no host names. */
    relayDomain: relayDomainField.nullable().default(null),
    /** What the operator is told of. */
    alerts: alertPolicy.prefault({}),
    /** When the broker says that it is not ready. */
    health: healthPolicy.prefault({}),
    /** For how long it is kept how the network was. */
    history: historyPolicy.prefault({}),
    /** Ranges beside the public ones from which a host may offer space; null: those that the listener itself is in. */
    hostAddressRanges: z.array(z.enum(ADDRESS_RANGES)).nullable().default(null),
    /** Enrolments that one remote IPv4 address, or one IPv6 network of 64 bits, may try in a minute. */
    enrolmentsPerMinute: z.int().min(1).default(600),
    /** What stands before registration (B2). */
    captcha: captchaPolicy.prefault({}),
    /** How long a machine without a key waits for a person to approve it, and the least time between its questions. */
    deviceEnrolmentLifeMs: z
      .int()
      .min(1_000)
      .max(DAY_MS)
      .default(15 * MINUTE_MS),
    /** How long a recovery from escrow waits, while everybody of the account hears of it. 0 is for labs. */
    escrowWaitMs: z
      .int()
      .min(0)
      .max(31 * DAY_MS)
      .default(DAY_MS),
    /** Origin under which people reach the web pages, when a reverse proxy stands in front; null: the listener's own. */
    webUrl: webUrlField.nullable().default(null),
    /** Networks (CIDR) of the reverse proxies whose X-Forwarded-For is believed. */
    trustedProxies: z.array(cidrField).max(64).default([]),
    sessions: sessionPolicy.prefault({}),
    signIn: signInPolicy.prefault({}),
    admin: adminPolicy.prefault({}),
    mail: mailPolicy.prefault({}),
    deviceEnrolmentPollMs: z.int().min(100).max(MINUTE_MS).default(5_000),
  })
  .refine((policy) => policy.presenceTtlMs >= policy.presenceIntervalMs, {
    path: ['presenceTtlMs'],
    message: 'shorter than presenceIntervalMs',
  })
  .refine((policy) => policy.transactionKeyLifeMs > longestTokenLifeMs(policy) + 2 * CLOCK_SKEW_MS_MAX, {
    path: ['transactionKeyLifeMs'],
    message: 'a token would outlive its key',
  });

export type Policy = Readonly<z.infer<typeof policySchema>>;

/**
 * The longest life that the policy gives to a token of any kind: every field whose name ends in `TokenLifeMs`. For so
 * long, and the skew of two clocks, tokens under a replaced key may come to a host. Pure.
 */
export function longestTokenLifeMs(policy: object): number {
  const lives = Object.entries(policy).filter(([name]) => /tokenLifeMs$/i.test(name));
  return Math.max(0, ...lives.map(([, lifeMs]) => Number(lifeMs)));
}

/**
 * Check a policy as it was written down; what is missing has its default. Pure.
 *
 * throws   policy_invalid, with every fault in the detail
 */
export function parsePolicy(written: unknown): Policy {
  const parsed = policySchema.safeParse(written);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'policy'}: ${issue.message}`);
    throw new ProtocolError('policy_invalid', {}, { detail: faults.join('; '), cause: parsed.error });
  }
  return Object.freeze(parsed.data);
}

/** Read the policy file, as it was written down; a missing file is the default policy. throws policy_invalid: no JSON */
export async function readWrittenPolicy(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}';
    throw error;
  });
  return parseJson(text);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ProtocolError('policy_invalid', {}, { detail: 'policy: not JSON', cause: error });
  }
}
