// What the broker mails to people. Plain text of ours alone: no name, no address of a stranger, no words of theirs. Pure.
import type { Mail } from '../mail/mailer.js';
import type { Email } from './email.js';

/** origin   `https://…` of this broker's pages */
export function registrationMail(to: Email, origin: string, token: string): Mail {
  return {
    to,
    subject: 'Confirm your Peerkeep account',
    text: `Somebody, probably you, registered a Peerkeep account with this address.

To open it, follow this link within 24 hours and give the password that you chose:

${origin}/confirm?token=${token}

If it was not you, do nothing: no account is opened.
`,
  };
}

export function alreadyRegisteredMail(to: Email, origin: string): Mail {
  return {
    to,
    subject: 'Your Peerkeep account',
    text: `Somebody, perhaps you, tried to register a Peerkeep account with this address. You have one already.

Sign in here: ${origin}/sign-in
Choose a new password here: ${origin}/forgot

If it was not you, do nothing: nothing has changed.
`,
  };
}

export function resetMail(to: Email, origin: string, token: string): Mail {
  return {
    to,
    subject: 'Choose a new Peerkeep password',
    text: `Somebody, probably you, asked for a new password of your Peerkeep account.

Choose it within one hour here:

${origin}/reset?token=${token}

If it was not you, do nothing: your password stays as it is.
`,
  };
}

export function passwordChangedMail(to: Email, origin: string): Mail {
  return {
    to,
    subject: 'Your Peerkeep password was changed',
    text: `The password of your Peerkeep account was changed, and other browsers were signed out.

If it was not you, choose a new one at once: ${origin}/forgot
`,
  };
}
