// What the broker told this machine of its network, kept so that relays and neighbours can be checked while it is away.
import {
  CLOCK_SKEW_MS_MAX,
  decodeBase64url,
  isRefusal,
  type LanKey,
  type NetworkAnswer,
  networkAnswer,
  type SigningKey,
  type StatementKind,
  timeOf,
  type UnixMs,
} from '#protocol';
import { HOME_FILES, parseJson } from './home-files.js';

/** The key of one epoch on a local network. */
export interface LanEpochKey {
  readonly epoch: number;
  /** KEY_BYTES long. */
  readonly key: Uint8Array;
  readonly fromMs: UnixMs;
  readonly untilMs: UnixMs;
}

/** Where the facts lie: a secret file of a home (`PeerHome.network` is over one). */
export interface NetworkFile {
  /** Null when there is none. throws secret_file_exposed | home_sealed | home_key_invalid */
  readonly read: () => string | null;
  readonly write: (text: string) => Promise<void>;
}

export class NetworkFacts {
  private seen: { readonly text: string; readonly facts: NetworkAnswer | null } | null = null;

  constructor(private readonly file: NetworkFile) {}

  /** As the broker told it last; null before the first time, and when the file is damaged: then the broker is asked again. */
  load(): NetworkAnswer | null {
    const text = this.file.read();
    if (text === null) return null;
    if (this.seen?.text !== text) this.seen = { text, facts: parseFacts(text) };
    return this.seen.facts;
  }

  async save(answer: NetworkAnswer): Promise<void> {
    await this.file.write(`${JSON.stringify(answer, null, 2)}\n`);
  }

  /** The broker's public keys for one kind of statement; none before the first `save`. */
  signingKeys(use: StatementKind): readonly SigningKey[] {
    return this.load()?.signingKeys.filter((key) => key.use === use) ?? [];
  }

  /**
   * The keys that neighbours may speak under, the one to speak under first; none before the first `save`. Clocks that are
   * apart see two of them at a change. While no next one is known the last one goes on, for the broker may be away long.
   */
  lanKeys(nowMs: UnixMs): readonly LanEpochKey[] {
    const known = (this.load()?.lanKeys ?? []).map(lanEpochKey).sort((a, b) => b.fromMs - a.fromMs);
    const own = known.find(({ fromMs }) => fromMs <= nowMs);
    const isNear = ({ fromMs, untilMs }: LanEpochKey): boolean =>
      fromMs - CLOCK_SKEW_MS_MAX <= nowMs && nowMs < untilMs + CLOCK_SKEW_MS_MAX;
    const others = known.filter((key) => key !== own && isNear(key));
    return own === undefined ? others : [own, ...others];
  }
}

function parseFacts(text: string): NetworkAnswer | null {
  try {
    return parseJson(text, networkAnswer, HOME_FILES.network);
  } catch (error) {
    if (!isRefusal(error, 'home_corrupt')) throw error;
    return null;
  }
}

function lanEpochKey({ epoch, key, from, until }: LanKey): LanEpochKey {
  return { epoch, key: decodeBase64url(key)!, fromMs: timeOf(from), untilMs: timeOf(until) };
}
