// What every command line of ours reads alike: where to listen, how much to log.
import { isIPv6 } from 'node:net';
import { ProtocolError } from '#protocol';
import { LOG_LEVELS, type LogLevel } from './log.js';

export interface ListenAddress {
  /** An IP address, or a name that resolves to one of this machine. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

/** `HOST:PORT` or `[IPv6]:PORT`; null for anything else. */
export function parseListenAddress(text: string): ListenAddress | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text);
  if (match === null) return null;
  if (match[1] !== undefined && !isIPv6(match[1])) return null;
  const port = Number(match[3]);
  return port > 65_535 ? null : { host: (match[1] ?? match[2])!, port };
}

/** PEERKEEP_LOG_LEVEL, or `fallback` where it is not set. throws usage */
export function readLogLevel(environment: Readonly<Record<string, string | undefined>>, fallback: LogLevel): LogLevel {
  const text = environment.PEERKEEP_LOG_LEVEL || fallback;
  const level = LOG_LEVELS.find((known) => known === text);
  if (level !== undefined) return level;
  throw new ProtocolError('usage', {}, { detail: `PEERKEEP_LOG_LEVEL is none of ${LOG_LEVELS.join(', ')}` });
}
