// What an agent is told at its start, checked once and then fixed.
import type { HomeKey } from '#peer-home';
import { BYTES_PER_SECOND_LIMIT_MIN } from '#peer-link';
import { type ListenAddress, parseListenAddress } from '#process';
import { ProtocolError, regionField } from '#protocol';
import type { LanSettings } from './lan/lan-settings.js';
import { REPAIRS_AT_ONCE } from './limits.js';
import { RELAY_MODES, type RelayMode } from './relay-link/decide-relay.js';

export interface RepairSettings {
  /** In each direction; null is no limit. */
  readonly bytesPerSecond: number | null;
  /** Objects at the same time; each is held in memory. */
  readonly atOnce: number;
}

export const WEB_VISITS = ['none', 'shares', 'owner'] as const;

/**
 * listen   where the owner's browser on this machine reaches the pages; null: nowhere
 * visits   what browsers that come through a relay see: nothing, what is shared by links, or the owner's pages too
 */
export interface WebSettings {
  readonly listen: ListenAddress | null;
  readonly visits: (typeof WEB_VISITS)[number];
}

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
  /** Where its figures are served to this machine; nowhere when it is missing. */
  abstract readonly metrics?: ListenAddress | null;
  /** Where the host says that it stands; it does not say where this is missing. */
  abstract readonly region?: string;
  /** How the host repairs objects of others; null, or missing: not at all. */
  abstract readonly repairs?: RepairSettings | null;
  /** The pages for its owner and for visitors; none where it is missing. */
  abstract readonly web?: WebSettings;
  /** How it asks and answers its neighbours; null, or missing: not at all. */
  abstract readonly lan?: LanSettings | null;
  /** When this peer attaches itself to a relay; never where it is missing. */
  abstract readonly relay?: RelayMode;
}

/** How repairs run by default, at this rate; 0 is no limit. throws usage for a rate at which hosts cut transfers off */
export function readRepairs(bytesPerSecond: number): RepairSettings {
  if (bytesPerSecond === 0) return { bytesPerSecond: null, atOnce: REPAIRS_AT_ONCE };
  if (bytesPerSecond >= BYTES_PER_SECOND_LIMIT_MIN) return { bytesPerSecond, atOnce: REPAIRS_AT_ONCE };
  const detail = `--repair-rate is below ${BYTES_PER_SECOND_LIMIT_MIN} bytes a second; --no-repairs is for none at all`;
  throw new ProtocolError('usage', {}, { detail });
}

/** throws usage */
export function readRegion(text: string): string {
  if (regionField.safeParse(text).success) return text;
  const detail = `--region ${text} is no name of lower-case letters, digits and hyphens, as eu or de-berlin`;
  throw new ProtocolError('usage', {}, { detail });
}

/** Visitors come through a relay alone: for them `auto` is not enough. */
export function relayModeFor(mode: RelayMode, { visits }: WebSettings): RelayMode {
  return mode === 'auto' && visits !== 'none' ? 'always' : mode;
}

/** throws usage */
export function readRelayMode(text: string): RelayMode {
  const mode = RELAY_MODES.find((known) => known === text);
  if (mode !== undefined) return mode;
  throw new ProtocolError('usage', {}, { detail: `--relay ${text} is none of ${RELAY_MODES.join(', ')}` });
}

/** Of `--web` and `--web-visits`; `--web-visits` alone lets visitors have what is shared. throws usage */
export function readWeb(web: string | undefined, visitsText: string | boolean | undefined): WebSettings {
  const listen = web === undefined ? null : parseListenAddress(web);
  if (web !== undefined && listen === null) throw wrong(`--web ${web} is not HOST:PORT`);
  const text = visitsText === true ? 'shares' : visitsText || 'none';
  const visits = WEB_VISITS.find((known) => known === text);
  if (visits === undefined) throw wrong(`--web-visits ${text} is none of ${WEB_VISITS.join(', ')}`);
  return { listen, visits };
}

function wrong(detail: string): ProtocolError {
  return new ProtocolError('usage', {}, { detail });
}

/** throws usage */
export function readListenAddress(text: string): ListenAddress {
  const listen = parseListenAddress(text);
  if (listen === null) throw new ProtocolError('usage', {}, { detail: `--listen ${text} is not HOST:PORT` });
  return listen;
}
