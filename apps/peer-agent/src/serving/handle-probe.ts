// GET /probe: the broker asks whether this host is there, and what it has; the answer is its own proof (B8). Only the broker
// can seal such a token, and it may have something to tell: this host announces itself soon.
import { Injectable } from '@nestjs/common';
import { formatTime, type ProbeAnswer } from '#protocol';
import { AskPresence } from '../broker-link/ask-presence.js';
import { ComposeOffer } from '../broker-link/compose-offer.js';
import { PROGRAM } from '../program.js';
import { SpaceLedger } from '../shards/space-ledger.js';
import { HostTime } from '../state/host-time.js';
import { ReplayList } from '../tokens/replay-list.js';
import { AdmitToken } from './admit-token.js';
import { answerJson } from './answers.js';
import { CompleteTransfer } from './complete-transfer.js';
import type { Exchange, Handler } from './exchange.js';
import { TransferFrame } from './transfer-frame.js';

@Injectable()
export class HandleProbe implements Handler {
  constructor(
    private readonly admitToken: AdmitToken,
    private readonly replayList: ReplayList,
    private readonly frame: TransferFrame,
    private readonly complete: CompleteTransfer,
    private readonly composeOffer: ComposeOffer,
    private readonly space: SpaceLedger,
    private readonly time: HostTime,
    private readonly askPresence: AskPresence,
  ) {}

  async run(exchange: Exchange): Promise<void> {
    const token = this.admitToken.run(exchange);
    const claim = () => ({ token: this.replayList.claim(token) });
    await this.frame.run(exchange, token, claim, async (held) => {
      this.askPresence.ask();
      const answer: ProbeAnswer = {
        time: formatTime(this.time.nowMs()),
        program: PROGRAM,
        ...this.composeOffer.space(),
        shards: this.space.shardCount,
      };
      await this.complete.answered(held.claim, held.place);
      answerJson(exchange.response, 200, answer);
    });
  }
}
