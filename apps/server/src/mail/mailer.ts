// Mail as the features use it: handed over at once, sent later, bounded.
import type { Email } from '../accounts/email.js';

export interface Mail {
  readonly to: Email;
  readonly subject: string;
  /** Plain text. Never carries what strangers wrote, so that nobody can have the broker mail their words. */
  readonly text: string;
}

export interface MailCounts {
  sent: number;
  /** Tries that failed and are made again. */
  delayed: number;
  /** Mails that nobody gets: given up, or come when too many waited. */
  lost: number;
}

export abstract class Mailer {
  /** Since the start. */
  readonly counts: Readonly<MailCounts> = { sent: 0, delayed: 0, lost: 0 };

  /** Does this broker send mail at all? */
  abstract readonly configured: boolean;

  /**
   * Asked before it is known whether there will be a mail, so that a full queue does not tell that either.
   *
   * throws   overloaded when too many mails wait
   */
  abstract checkRoom(): void;

  /**
   * Take a mail over. Returns at once and never throws, for what the mail tells of has happened: a mail that cannot be
   * delivered after a few attempts, or that comes when too many wait, is logged and lost.
   */
  abstract send(mail: Mail): void;

  /** Try once more to send what waits, for a while; what is left then is lost, and counted in the log. */
  abstract close(): Promise<void>;
}

/** For a broker without mail. */
export class NoMailer extends Mailer {
  readonly configured = false;

  checkRoom(): void {}

  send(): void {
    throw new Error('without mail nobody sends any');
  }

  async close(): Promise<void> {}
}
