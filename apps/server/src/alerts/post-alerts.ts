// Posts alerts to the operator's webhook: in order, each until it has arrived or is too old to matter.
import { type Clock, type Log, postWebhook } from '#process';
import type { BrokerMetrics } from '../metrics/broker-metrics.js';
import type { BrokerDatabase } from '../platform/broker-database.js';
import { dropPost, nextPost, type Post, putPostOff } from './alert-rows.js';
import { type AlertWebhook, signPost } from './alert-webhook.js';
import { POST_LIFE_MS, POST_PAUSE_MS_MAX, POST_PAUSE_MS_MIN } from './limits.js';

export interface PostAlertsParts {
  readonly webhook: AlertWebhook;
  readonly database: BrokerDatabase;
  readonly metrics: BrokerMetrics;
  readonly clock: Clock;
  readonly log: Log;
}

export class PostAlerts {
  private readonly ending = new AbortController();

  constructor(private readonly parts: PostAlertsParts) {}

  async run(): Promise<void> {
    const { database, clock } = this.parts;
    for (;;) {
      const post = await nextPost(database.reads, clock.nowMs());
      if (post === null || this.ending.signal.aborted || !(await this.deliver(post))) return;
    }
  }

  /** What is under way is cut off; it is posted again after the next start. */
  stop(): void {
    this.ending.abort();
  }

  /** False: the next one waits with it. */
  private async deliver(post: Post): Promise<boolean> {
    const { webhook, database, metrics, clock, log } = this.parts;
    const { url, secret } = webhook;
    const { ok, detail } = await postWebhook({
      url,
      document: post.document,
      headersFor: (body) => ({
        'peerkeep-delivery': post.id,
        ...(secret === null ? {} : { 'peerkeep-signature': signPost(secret, body, clock.nowMs()) }),
      }),
      clock,
      signal: this.ending.signal,
    });
    if (this.ending.signal.aborted && !ok) return false;
    const nowMs = clock.nowMs();
    const isLost = !ok && nowMs - post.madeAtMs >= POST_LIFE_MS;
    metrics.alerts.inc({ outcome: ok ? 'arrived' : isLost ? 'lost' : 'delayed' });
    if (ok || isLost) await database.write((db) => dropPost(db, post.id));
    else await database.write((db) => putPostOff(db, post.id, nowMs + pauseMs(post.tries)));
    // The address may hold a secret of the operator's; its host does not.
    if (!ok) log.warn({ event: isLost ? 'alert_post_lost' : 'alert_post_delayed', host: new URL(url).host, detail });
    return ok || isLost;
  }
}

function pauseMs(tries: number): number {
  return Math.min(POST_PAUSE_MS_MAX, POST_PAUSE_MS_MIN * 2 ** Math.min(tries, 16));
}
