// Finds out that the other end of an HTTP/2 connection is gone, which TCP alone may not tell for hours; and keeps the
// entries of address translators on the way.
import { constants, type Http2Session } from 'node:http2';
import type { Clock } from '#process';
import { ProtocolError } from '#protocol';
import { PING_MS } from '../limits.js';

/** Ping until the session closes; end it when a ping is unanswered by the time of the next. */
export function keepAlive(session: Http2Session, clock: Clock): void {
  let cancel = (): void => undefined;
  let isAnswered = true;
  const wait = (): void => {
    if (!session.destroyed) cancel = clock.schedule(PING_MS, beat);
  };
  const beat = (): void => {
    if (session.destroyed) return;
    if (!isAnswered) {
      cut(session, new ProtocolError('peer_unreachable', { reason: 'ping' }));
      return;
    }
    isAnswered = false;
    session.ping((error) => {
      if (error === null) isAnswered = true;
    });
    // The time begins when this turn of the loop is over: of a machine that slept all timers fall due in one turn, and
    // nothing could be answered in between.
    setImmediate(wait);
  };
  wait();
  session.once('close', () => cancel());
}

/** End a session at once. Without a code of failure its streams would end as if everything had been said on them. */
export function cut(session: Http2Session, why = new ProtocolError('peer_unreachable')): void {
  if (!session.destroyed) session.destroy(why, constants.NGHTTP2_CANCEL);
}
