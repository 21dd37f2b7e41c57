// The mail server's address, as PEERKEEP_SMTP_URL gives it. Pure.
import { ProtocolError } from '#protocol';

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * To any machine but this one the connection must be encrypted: it carries a password, and links that open accounts.
 *
 * throws   policy_invalid when the URL is missing or of no mail server
 */
export function parseSmtpUrl(smtpUrl: string | null): { readonly url: string; readonly requireTLS: boolean } {
  const url = smtpUrl !== null && URL.canParse(smtpUrl) ? new URL(smtpUrl) : null;
  if (smtpUrl === null || url === null || !/^smtps?:$/.test(url.protocol) || url.hostname === '') {
    throw new ProtocolError('policy_invalid', {}, { detail: 'mail.kind: smtp needs PEERKEEP_SMTP_URL, smtp[s]://…' });
  }
  return { url: smtpUrl, requireTLS: url.protocol === 'smtp:' && !LOOPBACK.test(url.hostname) };
}
