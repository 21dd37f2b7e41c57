// What the broker is told at its start, read once from flags and environment, then frozen.
import { type ListenAddress, parseListenAddress } from '#process';
import { isTrustDomain, ProtocolError } from '#protocol';
import type { AlertWebhook, WebhookFlags } from '../alerts/alert-webhook.js';
import type { KeyFile } from '../keys/key-files.js';
import type { Policy } from './policy.js';

export interface BrokerConfig {
  readonly dataDir: string;
  readonly listen: ListenAddress;
  /** Of the admin interface; left out: ADMIN_LISTEN. */
  readonly adminListen?: ListenAddress;
  /** Where DNS queries for names of peers are answered, by UDP; left out: nowhere. */
  readonly dnsListen?: ListenAddress | null;
  /** Null takes the trust domain of the data directory, or DEFAULT_TRUST_DOMAIN in a new one. */
  readonly trustDomain: string | null;
  /** Null reads DATA/policy.json. */
  readonly policy: Policy | null;
  /** Of the key-encryption key, where it lies elsewhere than beside the database (keys/key-files.ts). */
  readonly keyFile?: KeyFile;
  /** `smtp://` or `smtps://` with credentials; from the environment alone, because flags and files show it to others. */
  readonly smtpUrl?: string | null;
  /** Of the outside CAPTCHA service, when the policy names one; from the environment alone too. */
  readonly captchaSecret?: string | null;
  /** Where alerts are posted to; left out: nowhere. */
  readonly alertWebhook?: AlertWebhook | null;
  /** Tells the answers of the CAPTCHA at /test/captcha/:id; on loopback, without proxies (see checkTestMode). */
  readonly testMode?: boolean;
}

export const DEFAULT_TRUST_DOMAIN = 'peerkeep.internal';

/** Nobody but this machine, on a port that the system chooses. */
export const ADMIN_LISTEN: ListenAddress = { host: '127.0.0.1', port: 0 };

export interface StartFlags extends WebhookFlags {
  readonly dataDir?: string;
  readonly listen?: string;
  readonly adminListen?: string;
  readonly dns?: string;
  readonly trustDomain?: string;
  readonly keyFile?: string;
  readonly testMode?: boolean;
}

/**
 * The configuration from flags, and from PEERKEEP_DATA_DIR, PEERKEEP_LISTEN, PEERKEEP_ADMIN_LISTEN,
 * PEERKEEP_DNS_LISTEN, PEERKEEP_TRUST_DOMAIN where a flag is missing. Pure.
 *
 * throws   usage, with every fault in the detail
 */
export function readConfig(flags: StartFlags, environment: NodeJS.ProcessEnv): BrokerConfig {
  const faults: string[] = [];
  const dataDir = flags.dataDir ?? environment.PEERKEEP_DATA_DIR ?? '';
  if (dataDir === '') faults.push('--data-dir (or PEERKEEP_DATA_DIR) is missing');
  const listenText = flags.listen ?? environment.PEERKEEP_LISTEN ?? '';
  const listen = parseListenAddress(listenText);
  if (listenText === '') faults.push('--listen (or PEERKEEP_LISTEN) is missing');
  else if (listen === null) faults.push(`--listen ${listenText} is not HOST:PORT`);
  const adminText = flags.adminListen ?? environment.PEERKEEP_ADMIN_LISTEN ?? '';
  const adminListen = adminText === '' ? ADMIN_LISTEN : parseListenAddress(adminText);
  if (adminListen === null) faults.push(`--admin-listen ${adminText} is not HOST:PORT`);
  const dnsText = flags.dns ?? environment.PEERKEEP_DNS_LISTEN ?? '';
  const dnsListen = dnsText === '' ? null : parseListenAddress(dnsText);
  if (dnsText !== '' && dnsListen === null) faults.push(`--dns ${dnsText} is not HOST:PORT`);
  const trustDomain = flags.trustDomain ?? environment.PEERKEEP_TRUST_DOMAIN ?? null;
  if (trustDomain !== null && !isTrustDomain(trustDomain)) faults.push(`--trust-domain ${trustDomain} is not a domain`);
  if (listen === null || adminListen === null || faults.length > 0) {
    throw new ProtocolError('usage', {}, { detail: faults.join('; ') });
  }
  return Object.freeze({
    dataDir,
    listen,
    adminListen,
    dnsListen,
    trustDomain,
    policy: null,
    smtpUrl: environment.PEERKEEP_SMTP_URL || null,
    captchaSecret: environment.PEERKEEP_CAPTCHA_SECRET || null,
    testMode: flags.testMode ?? false,
  });
}
