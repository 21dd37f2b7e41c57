// The providers that the policy asks for.
import type { Clock, Log } from '#process';
import { ProtocolError } from '#protocol';
import type { CaptchaKind, CaptchaPolicy } from './captcha-policy.js';
import type { CaptchaProvider } from './captcha-provider.js';
import { ChallengeStore } from './challenge-store.js';
import { EveryCaptcha } from './every-captcha.js';
import { HOSTED_SERVICES, HostedCaptcha } from './hosted-captcha.js';
import type { PictureCaptcha } from './picture-captcha.js';
import { ProofOfWork } from './proof-of-work.js';
import { SiteVerify } from './site-verify.js';

export interface CaptchaParts {
  readonly policy: CaptchaPolicy;
  /** Of the outside service; null without one. */
  readonly secret: string | null;
  readonly clock: Clock;
  readonly log: Log;
  readonly picture: PictureCaptcha;
}

/** throws usage when the policy names an outside service and there is no secret for it */
export function makeProvider(parts: CaptchaParts): CaptchaProvider {
  return new EveryCaptcha(parts.policy.kinds.map((kind) => providerOf(kind, parts)));
}

function providerOf(kind: CaptchaKind, { policy, secret, clock, log, picture }: CaptchaParts): CaptchaProvider {
  if (kind === 'picture') return picture;
  if (kind === 'proof-of-work') return new ProofOfWork(new ChallengeStore<true>(clock, policy.challengeLifeMs));
  const { siteKey, hostname, siteVerifyUrl } = policy;
  if (secret === null || siteKey === null) {
    throw new ProtocolError(
      'usage',
      {},
      { detail: `the policy asks for ${kind}, and PEERKEEP_CAPTCHA_SECRET is not set` },
    );
  }
  const siteVerify = new SiteVerify(siteVerifyUrl ?? HOSTED_SERVICES[kind].siteVerifyUrl, clock, log);
  return new HostedCaptcha({ kind, siteKey, secret, hostname }, siteVerify);
}
