// Opens the mailer that the policy asks for: none, files in a folder, or an SMTP server.
import { strict as assert } from 'node:assert';
import { randomUUID } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import { type Clock, type Log, writeFileDurably } from '#process';
import { ProtocolError } from '#protocol';
import { MAIL_FILES_MAX, SMTP_TIMEOUT_MS } from './limits.js';
import type { MailPolicy } from './mail-policy.js';
import { type Mail, type Mailer, NoMailer } from './mailer.js';
import { type Deliver, QueuedMailer } from './queued-mailer.js';
import { parseSmtpUrl } from './smtp-url.js';

export interface MailerParts {
  /** Where `folder` writes. */
  readonly folder: string;
  /** PEERKEEP_SMTP_URL */
  readonly smtpUrl: string | null;
  readonly clock: Clock;
  readonly log: Log;
}

/** throws policy_invalid when `smtp` is asked for without a usable URL */
export async function openMailer(policy: MailPolicy, { folder, smtpUrl, clock, log }: MailerParts): Promise<Mailer> {
  const { kind, from } = policy;
  if (kind === 'none' || from === null) return new NoMailer();
  if (kind === 'folder') {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return new QueuedMailer(intoFolder(folder, from, clock), clock, log);
  }
  const server = createTransport({ ...parseSmtpUrl(smtpUrl), ...SMTP_OPTIONS });
  const deliver = async (mail: Mail): Promise<void> => {
    await server.sendMail({ from, ...mail, ...MAIL_OPTIONS });
  };
  return new QueuedMailer(deliver, clock, log, () => server.close());
}

const SMTP_OPTIONS = {
  connectionTimeout: SMTP_TIMEOUT_MS,
  greetingTimeout: SMTP_TIMEOUT_MS,
  socketTimeout: SMTP_TIMEOUT_MS,
} as const;

// A mail is text of ours; nothing in it is ever an address of a file or a page to include.
const MAIL_OPTIONS = { disableFileAccess: true, disableUrlAccess: true } as const;

/** Each mail a file, written whole or not at all, under a name that tells nothing. */
function intoFolder(folder: string, from: string, clock: Clock): Deliver {
  const composer = createTransport({ streamTransport: true, buffer: true, newline: 'unix' });
  return async (mail) => {
    const files = await readdir(folder);
    if (files.length >= MAIL_FILES_MAX) throw new ProtocolError('overloaded', {}, { detail: 'DATA/mail is full' });
    const { message } = await composer.sendMail({ from, ...mail, ...MAIL_OPTIONS, date: new Date(clock.nowMs()) });
    assert(Buffer.isBuffer(message), 'the composer was asked for one');
    await writeFileDurably(join(folder, `${clock.nowMs()}-${randomUUID()}.eml`), message);
  };
}
