// The operator's policy: DATA/policy.json, every field optional with a safe default, every fault told at once.
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { CLOCK_SKEW_MS_MAX, ProtocolError, SHARDS_PER_OBJECT_MAX, TOKEN_LIFE_SHORT_MS_MAX } from '#protocol';
import { ADDRESS_RANGES } from '../presence/judge-address.js';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const GiB = 1024 ** 3;

const count = z.int().min(1).max(SHARDS_PER_OBJECT_MAX);

/** One row: from `hosts` eligible hosts on, an object has this code. */
const redundancyRow = z
  .strictObject({ hosts: count, dataShards: count, totalShards: count, safeShards: count })
  .refine((row) => row.dataShards <= row.safeShards, 'fewer safe shards than data shards')
  .refine((row) => row.safeShards <= row.totalShards, 'more safe shards than shards')
  .refine((row) => row.totalShards <= row.hosts, 'more shards than hosts');
export type RedundancyRow = z.infer<typeof redundancyRow>;

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
    redundancy: z.array(redundancyRow).min(1).max(64).default(REDUNDANCY),
    /** Bytes of backup that a new account may store before it has earned any. */
    openingCreditBytes: z
      .int()
      .min(0)
      .default(10 * GiB),
    presenceIntervalMs: z.int().min(100).max(DAY_MS).default(30_000),
    /** A host that said nothing for so long gets no new shards. */
    presenceTtlMs: z.int().min(100).max(DAY_MS).default(90_000),
    tokenLifeMs: z.int().min(1_000).max(TOKEN_LIFE_SHORT_MS_MAX).default(TOKEN_LIFE_SHORT_MS_MAX),
    /** After the end of a token, how long reports about it may still come before its reservation is given back. */
    reportGraceMs: z
      .int()
      .min(0)
      .max(DAY_MS)
      .default(10 * MINUTE_MS),
    transactionKeyLifeMs: z
      .int()
      .min(60 * MINUTE_MS)
      .default(30 * DAY_MS),
    transactionKeyTokensMax: z.int().min(1).default(1_000_000),
    /** Ranges beside the public ones from which a host may offer space; null: those that the listener itself is in. */
    hostAddressRanges: z.array(z.enum(ADDRESS_RANGES)).nullable().default(null),
    /** Enrolments that one remote IPv4 address, or one IPv6 network of 64 bits, may try in a minute. */
    enrolmentsPerMinute: z.int().min(1).default(600),
  })
  .refine((policy) => policy.presenceTtlMs >= policy.presenceIntervalMs, {
    path: ['presenceTtlMs'],
    message: 'shorter than presenceIntervalMs',
  })
  .refine((policy) => policy.transactionKeyLifeMs > policy.tokenLifeMs + 2 * CLOCK_SKEW_MS_MAX, {
    path: ['transactionKeyLifeMs'],
    message: 'a token would outlive its key',
  });

export type Policy = Readonly<z.infer<typeof policySchema>>;

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

/** Read the policy file; a missing file is the default policy. */
export async function readPolicy(path: string): Promise<Policy> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}';
    throw error;
  });
  return parsePolicy(parseJson(text));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ProtocolError('policy_invalid', {}, { detail: 'policy: not JSON', cause: error });
  }
}
