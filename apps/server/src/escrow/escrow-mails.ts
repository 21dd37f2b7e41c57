// What the broker mails about recoveries from escrow. Plain text of ours alone: no name of a machine, no words of anybody. Pure.
import type { Email } from '../accounts/email.js';
import type { Mail } from '../mail/mailer.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** origin   `https://…` of this broker's pages */
export function recoveryAskedMail(to: Email, origin: string, waitMs: number): Mail {
  return {
    to,
    subject: 'A machine asks for the key to your backups',
    text: `Somebody signed in to your Peerkeep account and let a machine ask for the key to your backups. It gets the key in
${durationText(waitMs)}, and can then read everything that you have backed up.

If it was you, do nothing.

If it was not you, stop it here at once, and choose a new password:

${origin}/account
${origin}/forgot

Any of your other machines can stop it too: peerkeep escrow cancel
`,
  };
}

export function recoveryGivenMail(to: Email, origin: string): Mail {
  return {
    to,
    subject: 'A machine was given the key to your backups',
    text: `The machine that asked for the key to your backups has it now, and can read everything that you have backed up.

If it was not you, revoke that machine and choose a new password: ${origin}/account
What it has read by then cannot be taken back.
`,
  };
}

/** `24 hours`, `90 minutes`; rounded up. */
export function durationText(ms: number): string {
  if (ms <= MINUTE_MS) return 'a minute or less';
  const minutes = Math.ceil(ms / MINUTE_MS);
  return ms < 2 * HOUR_MS ? `${minutes} minutes` : `${Math.ceil(ms / HOUR_MS)} hours`;
}
