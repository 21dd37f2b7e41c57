// What an agent is told at its start, checked once and then fixed.
import { isIP } from 'node:net';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { LOG_LEVELS, type LogLevel } from '#process';
import { ProtocolError } from '#protocol';

/** Also the token under which it is injected. */
export abstract class AgentConfig {
  /** The peer's home folder. */
  abstract readonly homePath: string;
  /** Where the host listens for peers. Port 0: any free one. */
  abstract readonly listen: { readonly host: string; readonly port: number };
}

type Environment = Readonly<Record<string, string | undefined>>;

/** --home, else PEERKEEP_HOME, else the data folder of this person (XDG Base Directory Specification). */
export function homePathOf(option: string | undefined, environment: Environment): string {
  const dataHome = environment.XDG_DATA_HOME || join(homedir(), '.local', 'share');
  return resolve(option || environment.PEERKEEP_HOME || join(dataHome, 'peerkeep'));
}

/** `HOST:PORT`, `[IPv6]:PORT`. throws usage */
export function parseListenAddress(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  const isWrong = host === undefined || port > 65_535 || (match?.[1] !== undefined && isIP(host) !== 6);
  if (isWrong) throw new ProtocolError('usage', {}, { detail: `--listen ${text} is not HOST:PORT` });
  return { host, port };
}

/** PEERKEEP_LOG_LEVEL, else info. throws usage */
export function logLevelOf(environment: Environment): LogLevel {
  const text = environment.PEERKEEP_LOG_LEVEL || 'info';
  const level = LOG_LEVELS.find((known) => known === text);
  if (level === undefined) {
    throw new ProtocolError('usage', {}, { detail: `PEERKEEP_LOG_LEVEL is none of ${LOG_LEVELS.join(', ')}` });
  }
  return level;
}
