// Mails wait here and go out one after the other, so that no request ever waits for a mail server.
import type { Clock, Log } from '#process';
import { ProtocolError } from '#protocol';
import { MAIL_ATTEMPTS_MAX, MAIL_DRAIN_MS_MAX, MAIL_RETRY_MS, MAILS_WAITING_MAX } from './limits.js';
import { type Mail, type MailCounts, Mailer } from './mailer.js';

/** Delivers one mail, durably or to a server that took it. */
export type Deliver = (mail: Mail) => Promise<void>;

interface Waiting {
  readonly mail: Mail;
  attempts: number;
}

export class QueuedMailer extends Mailer {
  readonly configured = true;
  override readonly counts: MailCounts = { sent: 0, delayed: 0, lost: 0 };
  private readonly waiting: Waiting[] = [];
  private delivering: Promise<void> | null = null;
  private readonly retrying = new Set<Waiting>();
  private closed = false;

  constructor(
    private readonly deliver: Deliver,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly release: () => void = () => undefined,
  ) {
    super();
  }

  checkRoom(): void {
    if (this.closed) throw new ProtocolError('stopping');
    if (this.isFull) throw new ProtocolError('overloaded');
  }

  send(mail: Mail): void {
    if (this.closed || this.isFull) {
      this.counts.lost++;
      this.log.warn({ event: 'mail_dropped' });
      return;
    }
    this.enqueue({ mail, attempts: 0 });
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    for (const waiting of this.retrying) this.enqueue(waiting);
    this.retrying.clear();
    await this.drained();
    const lost = this.waiting.splice(0).length;
    this.counts.lost += lost;
    if (lost > 0) this.log.warn({ event: 'mails_lost', mails: lost });
    this.release();
  }

  private get isFull(): boolean {
    return this.waiting.length + this.retrying.size >= MAILS_WAITING_MAX;
  }

  private async drained(): Promise<void> {
    let cancel = (): void => undefined;
    const deadline = new Promise<void>((resolve) => {
      cancel = this.clock.schedule(MAIL_DRAIN_MS_MAX, resolve);
    });
    await Promise.race([this.delivering, deadline]);
    cancel();
  }

  private enqueue(waiting: Waiting): void {
    this.waiting.push(waiting);
    this.delivering ??= this.deliverAll();
  }

  private async deliverAll(): Promise<void> {
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) await this.tryOnce(next);
    this.delivering = null;
  }

  private async tryOnce(waiting: Waiting): Promise<void> {
    waiting.attempts++;
    try {
      await this.deliver(waiting.mail);
      this.counts.sent++;
      this.log.info({ event: 'mail_sent', attempts: waiting.attempts });
    } catch (error) {
      // Only what kind of fault: a mail server's words often repeat the address.
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      const givenUp = waiting.attempts >= MAIL_ATTEMPTS_MAX || this.closed;
      this.log.warn({ event: givenUp ? 'mail_given_up' : 'mail_delayed', attempts: waiting.attempts, fault: code });
      this.counts[givenUp ? 'lost' : 'delayed']++;
      if (!givenUp) this.tryLater(waiting);
    }
  }

  private tryLater(waiting: Waiting): void {
    this.retrying.add(waiting);
    this.clock.schedule(MAIL_RETRY_MS * waiting.attempts, () => {
      if (this.retrying.delete(waiting)) this.enqueue(waiting);
    });
  }
}
