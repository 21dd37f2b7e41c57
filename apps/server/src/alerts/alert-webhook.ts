// Where alerts are posted to, as the operator configured it, and how whoever gets one knows that it is from this broker.
import { createHmac } from 'node:crypto';
import { isWebhookUrl, readSecretFile } from '#process';
import { ProtocolError } from '#protocol';
import { WEBHOOK_SECRET_BYTES_MIN } from './limits.js';

export interface AlertWebhook {
  readonly url: string;
  /** Null: posts are not signed. */
  readonly secret: Uint8Array | null;
}

export interface WebhookFlags {
  readonly alertWebhook?: string;
  readonly alertSecretFile?: string;
}

/** throws usage | secret_file_exposed; ENOENT passes through */
export async function readAlertWebhook(
  flags: WebhookFlags,
  environment: NodeJS.ProcessEnv,
): Promise<AlertWebhook | null> {
  const url = flags.alertWebhook ?? (environment.PEERKEEP_ALERT_WEBHOOK || null);
  const file = flags.alertSecretFile ?? (environment.PEERKEEP_ALERT_SECRET_FILE || null);
  if (url === null) {
    if (file === null) return null;
    throw usage('--alert-secret-file without --alert-webhook');
  }
  if (!isWebhookUrl(url)) throw usage('--alert-webhook is no https:// address (http:// on loopback only)');
  if (file === null) return { url, secret: null };
  const secret = trimmed(await readSecretFile(file));
  if (secret.length < WEBHOOK_SECRET_BYTES_MIN) {
    throw usage(`--alert-secret-file has fewer than ${WEBHOOK_SECRET_BYTES_MIN} bytes`);
  }
  return { url, secret };
}

/** `t=<Unix seconds>,v1=<HMAC-SHA256 over "<t>.<body>", hex>`: the time stands in it, so that an old post is known as one. Pure. */
export function signPost(secret: Uint8Array, body: string, nowMs: number): string {
  const seconds = Math.floor(nowMs / 1_000);
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}

/** Editors end a file with a line feed. */
function trimmed(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').trimEnd(), 'latin1');
}

function usage(detail: string): ProtocolError {
  return new ProtocolError('usage', {}, { detail });
}
