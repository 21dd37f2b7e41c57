// What relays may carry, for how long, for how much and for what: the `relay` and `relayDomain` fields of the policy.
import { z } from 'zod';
import { LEASE_LIFE_MS_MAX } from '#protocol';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const MiB = 1024 ** 2;
const GiB = 1024 * MiB;
const TiB = 1024 * GiB;
/** Prices are counted in thousandths. */
export const PRICE_STEPS = 1_000;

const amount = z.int().min(1).max(Number.MAX_SAFE_INTEGER);

export const relayPolicy = z
  .strictObject({
    /** Of the lease by which a peer attaches itself to a relay, and of one by which somebody is carried to it. */
    serveLeaseMs: z
      .int()
      .min(MINUTE_MS)
      .max(LEASE_LIFE_MS_MAX)
      .default(4 * HOUR_MS),
    reachLeaseMs: z.int().min(MINUTE_MS).max(LEASE_LIFE_MS_MAX).default(HOUR_MS),
    /** Bytes that one lease of each kind may move, both directions together. */
    serveBytesMax: amount.default(4 * TiB),
    reachBytesMax: amount.default(256 * GiB),
    bytesPerSecondMax: amount.default(512 * MiB),
    /** May relays carry visitors' browsers to peers that want them? */
    webAllowed: z.boolean().default(true),
    /** A relay that said nothing for so long is not there. */
    presenceIntervalMs: z.int().min(100).max(HOUR_MS).default(10_000),
    presenceTtlMs: z.int().min(100).max(HOUR_MS).default(30_000),
    /** How often the broker tries whether a host that is attached to a relay can be reached without it. */
    directProbeMs: z
      .int()
      .min(SECOND_MS)
      .max(DAY_MS)
      .default(10 * MINUTE_MS),
    /** Bytes of credit for one byte carried: its client pays them to the relay, as far as it has any. */
    bytePrice: z
      .number()
      .min(0)
      .max(1)
      .refine((price) => Math.abs(price * PRICE_STEPS - Math.round(price * PRICE_STEPS)) < 1e-6, 'finer than 0.001')
      .default(0),
  })
  .refine(({ presenceTtlMs, presenceIntervalMs }) => presenceTtlMs >= presenceIntervalMs, {
    path: ['presenceTtlMs'],
    message: 'shorter than presenceIntervalMs',
  });
export type RelayPolicy = Readonly<z.infer<typeof relayPolicy>>;

/** A domain of labels in lower case; with a name of a peer before it, a host name (RFC 1123 §2.1: at most 253 characters). */
export const relayDomainField = z
  .string()
  .max(253 - 64)
  .regex(/^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/);
