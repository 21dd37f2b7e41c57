// The owner's page hears of what changes without being loaded again: server-sent events (WHATWG HTML §9.2).
import { once } from 'node:events';
import { Injectable } from '@nestjs/common';
import { Clock } from '#process';
import { ProtocolError } from '#protocol';
import { ReadHostFacts } from './host-facts.js';
import { EVENT_INTERVAL_MS, EVENT_STREAMS_MAX } from './limits.js';
import { SAFE_HEADERS, type WebAnswer, type WebAsk } from './web-message.js';

@Injectable()
export class StatusEvents {
  private streams = 0;

  constructor(
    private readonly facts: ReadHostFacts,
    private readonly clock: Clock,
  ) {}

  /** isSignedIn  asked before each event: a stream ends with its session. throws visits_full */
  answer({ gone }: WebAsk, isSignedIn: () => boolean): WebAnswer {
    if (this.streams >= EVENT_STREAMS_MAX) throw new ProtocolError('visits_full');
    this.streams++;
    return {
      status: 200,
      headers: { ...SAFE_HEADERS, 'content-type': 'text/event-stream; charset=utf-8' },
      body: this.events(gone, isSignedIn),
      ended: () => {
        this.streams--;
      },
    };
  }

  private async *events(gone: AbortSignal, isSignedIn: () => boolean): AsyncGenerator<Uint8Array> {
    while (!gone.aborted && isSignedIn()) {
      yield Buffer.from(`event: status\ndata: ${JSON.stringify(await this.facts.run())}\n\n`);
      await this.pause(gone);
    }
  }

  private async pause(gone: AbortSignal): Promise<void> {
    const over = new AbortController();
    const cancel = this.clock.schedule(EVENT_INTERVAL_MS, () => over.abort());
    const either = AbortSignal.any([gone, over.signal]);
    if (!either.aborted) await once(either, 'abort');
    cancel();
  }
}
