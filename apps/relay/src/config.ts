// What a relay is told at its start, checked once and then fixed.
import { readFile } from 'node:fs/promises';
import type { HomeKey } from '#peer-home';
import { type ListenAddress, parseListenAddress, readSecretFile } from '#process';
import { ipField, ProtocolError } from '#protocol';
import { PEERS_MAX } from './limits.js';
import type { VisitCredentials } from './visits/visit-listener.js';

export interface RelayConfig {
  /** The relay's home folder. */
  readonly homePath: string;
  /** What the secret files of the home are sealed under; none where it is missing. */
  readonly homeKey?: HomeKey | null;
  /** Where it listens for peers and clients. Port 0: a free one. */
  readonly listen: ListenAddress;
  /** Where they reach it, which the broker tells them: an IP address; port 0 is the one that it listens on. */
  readonly publicAddress: ListenAddress;
  /** How many peers it takes. */
  readonly peersMax?: number;
  /** Where visitors' browsers come, and with which certificate; nowhere when it is missing. */
  readonly web?: WebConfig | null;
  /** Where its figures are served to this machine; nowhere when it is missing. */
  readonly metrics?: ListenAddress | null;
}

export interface WebConfig extends VisitCredentials {
  readonly listen: ListenAddress;
}

/** Of `--web-listen`, `--web-cert` and `--web-key`: all of them or none. throws usage | secret_file_exposed | path_missing */
export async function readWeb(
  listen: string | undefined,
  certificatePath: string | undefined,
  keyPath: string | undefined,
): Promise<WebConfig | null> {
  if (listen === undefined && certificatePath === undefined && keyPath === undefined) return null;
  if (listen === undefined || certificatePath === undefined || keyPath === undefined) {
    throw new ProtocolError('usage', {}, { detail: '--web-listen, --web-cert and --web-key go together' });
  }
  const certificatePem = await readFile(certificatePath, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ProtocolError('path_missing', { path: certificatePath }, { cause: error });
  });
  const privateKeyPem = (
    await readSecretFile(keyPath).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'ENOENT' ? new ProtocolError('path_missing', { path: keyPath }, { cause: error }) : error;
    })
  ).toString();
  return { listen: readListenAddress('--web-listen', listen), certificatePem, privateKeyPem };
}

/** throws usage */
export function readListenAddress(option: string, text: string): ListenAddress {
  const listen = parseListenAddress(text);
  if (listen === null) throw new ProtocolError('usage', {}, { detail: `${option} ${text} is not HOST:PORT` });
  return listen;
}

/** An address that strangers dial: no name, which would have to be resolved by each of them. throws usage */
export function readPublicAddress(text: string): ListenAddress {
  const address = readListenAddress('--public', text);
  if (ipField.safeParse(address.host).success) return address;
  throw new ProtocolError('usage', {}, { detail: `--public ${text} does not begin with an IP address` });
}

/** throws usage */
export function readPeersMax(text: string): number {
  const peersMax = /^[1-9]\d{0,5}$/.test(text) ? Number(text) : 0;
  if (peersMax >= 1 && peersMax <= PEERS_MAX) return peersMax;
  throw new ProtocolError('usage', {}, { detail: `--peers ${text} is no number from 1 to ${PEERS_MAX}` });
}
