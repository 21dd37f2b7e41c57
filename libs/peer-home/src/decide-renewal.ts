// When a certificate is renewed. Pure.
import { CERTIFICATE_LIFE_MS, type UnixMs } from '#protocol';

/** From half of its life on (SPEC §1): a machine that is off for a weekend comes back with a good one. */
export function isRenewalDue(notAfterMs: UnixMs, nowMs: UnixMs): boolean {
  return nowMs >= notAfterMs - CERTIFICATE_LIFE_MS / 2;
}
