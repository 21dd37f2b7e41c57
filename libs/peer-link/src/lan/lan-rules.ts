// What neighbours on a local network keep to (SPEC §14): ports, waits and bounds, in one place.
import { strict as assert } from 'node:assert';
import { CLOCK_SKEW_MS_MAX } from '#protocol';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

/** What all machines of one network have to agree on. */
export interface LanRules {
  /** UDP, for messages to everybody. */
  readonly port: number;
  /** TCP, where a neighbour serves what it has. */
  readonly aliasPort: number;
  /** IPv4 group of administrative scope (RFC 2365 §6.1) and IPv6 group of link-local scope (RFC 4291 §2.7). */
  readonly group4: string;
  readonly group6: string;
  /** Whoever has what is needed waits a random time below this before it says so (T2). */
  readonly answerWaitMsMax: number;
  /** Whoever needs something listens for so long (T3). */
  readonly requestMs: number;
  /** A neighbour that is still downloading is waited for as long as it says so this often, and in all so long (T4). */
  readonly progressMs: number;
  readonly silenceMsMax: number;
  readonly progressWaitMsMax: number;
}

export const LAN_RULES: LanRules = {
  port: 1967,
  aliasPort: 6515,
  group4: '239.255.19.67',
  group6: 'ff02::1967',
  answerWaitMsMax: 2_000,
  requestMs: 2_200,
  progressMs: SECOND_MS,
  silenceMsMax: 3 * SECOND_MS,
  progressWaitMsMax: MINUTE_MS,
};

/** A datagram that every local network carries in one piece. */
export const LAN_DATAGRAM_BYTES_MAX = 1_200;
/** Contents that one message asks for; what an answer says of them is a bit each. */
export const LAN_SUBJECTS_MAX = 32;

/** A message is believed so long before and after the time that it bears; clocks of neighbours may differ. */
export const LAN_MESSAGE_AGE_MS_MAX = MINUTE_MS;
/** Messages that are remembered as heard; at the bound further ones are not listened to. */
export const LAN_SEEN_MAX = 20_000;
/** Datagrams that are looked at in a second: opening one costs processor time, whoever sent it. */
export const LAN_DATAGRAMS_PER_SECOND_MAX = 2_000;

/** Tasks of others that a neighbour deals with at the same time. */
export const LAN_TASKS_MAX = 1_024;
/** So long before its answer a neighbour asks the broker for the approval: most answers are never given. */
export const LAN_APPROVAL_AHEAD_MS = 400;
/** So long after it an approval is waited for: those who ask by a recovery kit need none, and listen for little longer. */
export const LAN_APPROVAL_LATE_MS = 100;
/** Approvals that are asked for at the same time. */
export const LAN_APPROVALS_AT_ONCE_MAX = 16;

/** How long a neighbour that lied in a task is not listened to in it, and how many of them are remembered. */
export const LAN_BLACKLIST_MS = 10 * MINUTE_MS;
export const LAN_BLACKLIST_MAX = 4_096;

/** How often the interfaces of the machine are looked at again. */
export const LAN_INTERFACES_MS = 10 * SECOND_MS;
export const LAN_INTERFACES_MAX = 32;

/** When nobody has answered anything for the first time, nobody is asked for the second. One request says little: its
 * content may be nobody's. */
export const LAN_SILENCE_MS = 8 * SECOND_MS;
export const LAN_QUIET_MS = MINUTE_MS;

/** What a shelf of fetched shards holds: bytes, and for how long. */
export const SHELF_BYTES_MAX = 1024 * 1024 * 1024;
export const SHELF_LIFE_MS = 60 * MINUTE_MS;

// Whoever waits longest is still heard.
assert(LAN_RULES.answerWaitMsMax + LAN_APPROVAL_LATE_MS < LAN_RULES.requestMs);
assert(LAN_RULES.progressMs < LAN_RULES.silenceMsMax);
assert(LAN_APPROVAL_AHEAD_MS < LAN_RULES.answerWaitMsMax);
// A message is too old before it is forgotten that it was heard.
assert(LAN_MESSAGE_AGE_MS_MAX < CLOCK_SKEW_MS_MAX);
