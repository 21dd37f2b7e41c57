// How serving asks for the next presence out of turn: whoever runs the presence loop listens here.
import { Injectable } from '@nestjs/common';

@Injectable()
export class AskPresence {
  private listener: () => void = () => undefined;

  /** For the one that runs the loop. */
  whenAsked(listener: () => void): void {
    this.listener = listener;
  }

  /** Announce this host soon: the broker may have something to tell. */
  ask(): void {
    this.listener();
  }
}
