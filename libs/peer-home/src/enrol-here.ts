// Makes a folder the home of a new peer, for every command that may be the first on a machine.
import type { Clock } from '#process';
import {
  type EnrolmentCredential,
  type EnrolmentPurpose,
  enrolmentKeyField,
  ProtocolError,
  peerNameField,
} from '#protocol';
import { nameOfMachine } from './default-home.js';
import type { ApprovalAsked, ApprovalWay } from './enrol-by-approval.js';
import { type EnrolPeerOptions, enrolPeer } from './enrol-peer.js';
import type { HomeKey } from './home-key.js';
import { PeerHome } from './peer-home.js';
import { readEnrolmentKey } from './read-enrolment-key.js';

export interface EnrolHereOptions {
  readonly homePath: string;
  readonly joinLink: string;
  readonly name: string | undefined;
  readonly credential: EnrolPeerOptions['credential'];
  /** Under which the secret files of the new home are sealed; null leaves them plain. */
  readonly homeKey: HomeKey | null;
  readonly signal?: AbortSignal;
}

/** throws usage (name), home_exists, and what enrolPeer throws */
export async function enrolHere(options: EnrolHereOptions): Promise<PeerHome> {
  const { homePath, homeKey, name: wanted = nameOfMachine(), ...enrolment } = options;
  const name = peerNameField.safeParse(wanted);
  if (!name.success) {
    throw new ProtocolError('usage', {}, { detail: '--name takes lower-case letters, digits and hyphens' });
  }
  return PeerHome.create(homePath, await enrolPeer({ ...enrolment, name: name.data }), homeKey);
}

export interface EnrolmentKeySources {
  /** --key: seen by everybody on the machine in the list of processes. */
  readonly key?: string | undefined;
  /** --key-file */
  readonly keyFile?: string | undefined;
  /** PEERKEEP_ENROLMENT_KEY is read from here. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Whom to ask where nobody gave an enrolment key. */
export interface ApprovalTerminal {
  readonly purpose: EnrolmentPurpose;
  readonly program: string;
  readonly clock: Clock;
  /** Shows one line of talk to the person at the terminal. */
  readonly say: (line: string) => void;
}

/**
 * The enrolment key that was given in one of three ways, or else the approval of a person.
 *
 * throws   usage (two ways at once) | enrolment_key_invalid | secret_file_exposed | path_missing
 */
export async function keyOrApproval(
  sources: EnrolmentKeySources,
  terminal: ApprovalTerminal,
): Promise<EnrolmentCredential | ApprovalWay> {
  const key = await readEnrolmentKey(sources);
  if (key !== null) return keyCredential(key);
  const { say, ...way } = terminal;
  return { kind: 'approval', ...way, onAsked: (asked) => sayAsked(asked, say) };
}

/** throws enrolment_key_invalid */
export function keyCredential(key: string): EnrolmentCredential {
  if (!enrolmentKeyField.safeParse(key).success) throw new ProtocolError('enrolment_key_invalid');
  return { kind: 'enrolment-key', key };
}

const MINUTE_MS = 60_000;

function sayAsked(asked: ApprovalAsked, say: (line: string) => void): void {
  say(`open ${asked.verificationUri} in a browser, on any machine, and approve this one there`);
  say(`code: ${asked.userCode}`);
  say(`key of this machine: ${asked.fingerprint} (approve only what shows the same)`);
  say(`or open it with the code filled in: ${asked.verificationUriComplete}`);
  say(`waiting for the approval, ${Math.ceil(asked.expiresInMs / MINUTE_MS)} minutes at most; Ctrl-C gives up`);
}
