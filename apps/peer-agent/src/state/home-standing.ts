// Whether this home is known to be the newest of its peer: a restored or cloned one remembers too little of its tokens.
import type { UnixMs } from '#protocol';

export class HomeStanding {
  private standing: 'unconfirmed' | 'confirmed' | 'refused';

  /** isFirst: the broker has never acknowledged a run of this home, so there is no newer one. */
  constructor(isFirst: boolean) {
    this.standing = isFirst ? 'confirmed' : 'unconfirmed';
  }

  get isConfirmed(): boolean {
    return this.standing === 'confirmed';
  }

  /** The broker knows a newer run of this home. */
  get isRefused(): boolean {
    return this.standing === 'refused';
  }

  /** The broker has acknowledged the newest run of this home as this process. */
  confirm(): void {
    this.standing = 'confirmed';
  }

  /** The broker knows a newer run than this home does: whatever is shown here may have been used there. */
  refuse(): void {
    this.standing = 'refused';
  }

  /**
   * Must a token wait for the broker's word? What was issued before the start may have been used by a newer run of this
   * home; what was issued since is new to all of them, and needs no broker (B6).
   */
  holdsBack(issuedAtMs: UnixMs, startedAtMs: UnixMs): boolean {
    if (this.standing === 'refused') return true;
    return this.standing === 'unconfirmed' && issuedAtMs < startedAtMs;
  }
}
