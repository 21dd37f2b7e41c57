// What the operator chooses about the CAPTCHA: the `captcha` field of DATA/policy.json (B2).
import { z } from 'zod';
import { CHALLENGE_LIFE_MS_MAX, CHALLENGE_LIFE_MS_MIN } from './limits.js';

export const CAPTCHA_KINDS = ['picture', 'proof-of-work', 'turnstile', 'hcaptcha'] as const;
export type CaptchaKind = (typeof CAPTCHA_KINDS)[number];

/** Kinds that an outside service runs: they take a site key here, and PEERKEEP_CAPTCHA_SECRET from the environment. */
export const HOSTED_KINDS = ['turnstile', 'hcaptcha'] as const satisfies readonly CaptchaKind[];
export type HostedKind = (typeof HOSTED_KINDS)[number];

export const isHosted = (kind: CaptchaKind): kind is HostedKind => kind === 'turnstile' || kind === 'hcaptcha';

export const captchaPolicy = z
  .strictObject({
    /** All of them must be passed. */
    kinds: z.array(z.enum(CAPTCHA_KINDS)).min(1).max(CAPTCHA_KINDS.length).default(['picture']),
    challengeLifeMs: z.int().min(CHALLENGE_LIFE_MS_MIN).max(CHALLENGE_LIFE_MS_MAX).default(300_000),
    siteKey: z
      .string()
      .regex(/^[\w.:-]{1,200}$/)
      .nullable()
      .default(null),
    /** The name under which people reach the broker's pages; an outside service must have seen its widget there. */
    hostname: z
      .string()
      .regex(/^[a-z0-9.:-]{1,253}$/)
      .nullable()
      .default(null),
    /** Another address for the outside service's siteverify, behind a proxy for example; https only. */
    siteVerifyUrl: z
      .url({ protocol: /^https$/ })
      .nullable()
      .default(null),
  })
  .refine(({ kinds }) => new Set(kinds).size === kinds.length, { path: ['kinds'], message: 'one stands twice' })
  .refine(({ kinds }) => kinds.filter(isHosted).length <= 1, {
    path: ['kinds'],
    message: 'one outside service at most, because there is one site key',
  })
  .refine(({ kinds, siteKey }) => siteKey !== null || !kinds.some(isHosted), {
    path: ['siteKey'],
    message: 'missing for the outside service',
  });

export type CaptchaPolicy = Readonly<z.infer<typeof captchaPolicy>>;
