// What an agent is told at its start, checked once and then fixed.
import type { HomeKey } from '#peer-home';
import { type ListenAddress, parseListenAddress } from '#process';
import { ProtocolError } from '#protocol';

/** Also the token under which it is injected. */
export abstract class AgentConfig {
  /** The peer's home folder. */
  abstract readonly homePath: string;
  /** What the secret files of the home are sealed under; none where it is missing. */
  abstract readonly homeKey?: HomeKey | null;
  /** Where the host listens for peers. Port 0: a free one. */
  abstract readonly listen: ListenAddress;
  /** How fast the host reads what it holds to find rot; 0: not at all. A default where it is missing. */
  abstract readonly scrubBytesPerSecond?: number;
}

/** throws usage */
export function readListenAddress(text: string): ListenAddress {
  const listen = parseListenAddress(text);
  if (listen === null) throw new ProtocolError('usage', {}, { detail: `--listen ${text} is not HOST:PORT` });
  return listen;
}
