// Whether and where this agent answers its neighbours: what `--lan` says.
import { LAN_RULES, type LanTuning } from '#peer-link';
import { type ListenAddress, parseListenAddress } from '#process';
import { ProtocolError } from '#protocol';

export interface LanSettings extends LanTuning {
  /** Where neighbours get what this machine has; a wildcard stands for each of its addresses. Port 0: a free one. */
  readonly listen: ListenAddress;
}

/**
 * `address[:port]`, or `off`; without it where the agent listens, unless that is this machine alone. throws usage
 *
 * listen   where the agent listens
 */
export function readLan(text: string | undefined, listen: ListenAddress): LanSettings | null {
  const port = LAN_RULES.aliasPort;
  if (text === undefined) return isLoopback(listen.host) ? null : { listen: { host: listen.host, port } };
  if (text === 'off') return null;
  const own = parseListenAddress(text) ?? parseListenAddress(`${text}:${port}`);
  if (own !== null) return { listen: own };
  throw new ProtocolError('usage', {}, { detail: `--lan ${text} is neither off nor ADDRESS[:PORT]` });
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
