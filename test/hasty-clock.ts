// The system's clock, but that a short wait is a very short one: for programs that pause before they try again.
import { SystemClock } from '#process';

const HASTE = 500;

export class HastyClock extends SystemClock {
  constructor(private readonly shortMsMax: number) {
    super();
  }

  override schedule(delayMs: number, run: () => void): () => void {
    return super.schedule(delayMs <= this.shortMsMax ? delayMs / HASTE : delayMs, run);
  }
}
