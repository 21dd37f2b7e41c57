// Counts how often each host asks what it should hold: making a filter costs the broker more than most answers.
import { type PeerId, ProtocolError } from '#protocol';

const DAY_MS = 86_400_000;

interface Asked {
  filters: number;
  otherParts: number;
}

/** One entry for each host that asked today; only enrolled ones get here. */
export class KeepFilterRates {
  private readonly asked = new Map<PeerId, Asked>();
  private day = 0;

  /**
   * Count a request.
   *
   * parts    0 for a first part, with which a new filter begins
   * throws   rate_exceeded: too many filters today, or more parts than those that were begun have
   */
  count(hostId: PeerId, part: { readonly part: number; readonly parts: number }, perDay: number, nowMs: number): void {
    const day = Math.floor(nowMs / DAY_MS);
    if (day !== this.day) this.asked.clear();
    this.day = day;
    const asked = this.asked.get(hostId) ?? { filters: 0, otherParts: 0 };
    const isFirst = part.part === 0;
    const isTooMany = isFirst ? asked.filters >= perDay : asked.otherParts >= perDay * (part.parts - 1);
    if (isTooMany) throw new ProtocolError('rate_exceeded');
    if (isFirst) asked.filters++;
    else asked.otherParts++;
    this.asked.set(hostId, asked);
  }
}
