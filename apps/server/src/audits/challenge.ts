// One question to a host: a block of content that it has. It is the same question until it is answered.
import type { ContentId, PeerId } from '#protocol';
import type { ChallengeStanding } from './decide-audit-outcome.js';

export interface Challenge extends ChallengeStanding {
  readonly hostId: PeerId;
  readonly cid: ContentId;
  /** Of the shard. */
  readonly sizeBytes: number;
  readonly block: number;
  readonly begunAtMs: number;
}
