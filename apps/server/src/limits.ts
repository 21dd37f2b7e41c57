// The bounds of the broker that are not part of the protocol.
import { strict as assert } from 'node:assert';
import { LEASE_LIFE_MS_MAX, NONCE_LIST_ENTRIES_MAX, SHARDS_PER_OBJECT_MAX, SIGNING_KEYS_MAX } from '#protocol';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** Peers whose unwrapped transaction keys are kept in memory; others are read again when they speak. */
export const PEERS_WITH_KEYS_IN_MEMORY_MAX = 100_000;

/** Hosts that are counted for the choice of a code: no code needs more. */
export const COUNTED_HOSTS_MAX = SHARDS_PER_OBJECT_MAX;
/** How old the weights may be by which hosts are drawn; whether a host is there and has room is always known. */
export const CANDIDATE_POOL_LIFE_MS = SECOND_MS;
/** Of how many past changes of a peer's state are told. */
export const PEER_CHANGES_TOLD_MAX = 100;
/** How often probations, departures and what is known of hosts are looked after. */
export const STANDING_INTERVAL_MS = MINUTE_MS;
/** Peers whose state one run of that changes in one write unit, and rows that it writes. */
export const PEERS_CHANGED_AT_ONCE_MAX = 100;
export const REPUTATIONS_WRITTEN_AT_ONCE_MAX = 1_000;

/** How often the whole ledger is added up. */
export const LEDGER_CHECK_INTERVAL_MS = 60 * MINUTE_MS;

/** How often the exchange looks whether an hour or a day has passed; hosts looked at and accounts decided for at once. */
export const EXCHANGE_INTERVAL_MS = 5 * MINUTE_MS;
export const PROVED_HOSTS_AT_ONCE_MAX = 100;
export const EXCHANGED_AT_ONCE_MAX = 200;

/** Entries of the ledger that are archived in one file, and leave the database in one unit. */
export const ENTRIES_ARCHIVED_AT_ONCE_MAX = 5_000;

/** How often churn is measured anew, and hosts that are looked at together. */
export const CHURN_INTERVAL_MS = 60 * MINUTE_MS;
export const HOST_LIVES_READ_AT_ONCE_MAX = 1_000;

/** A host with less room than this is full for the choice of a code. */
export const ELIGIBLE_HOST_BYTES_MIN = 1024 * 1024;

/** How often the broker looks which hosts are due to be probed, and how many it asks at once. */
export const PROBE_TICK_MS = 5 * SECOND_MS;
export const PROBES_AT_ONCE_MAX = 32;
/** Of them for hosts that announce themselves: those that are asked again and do not answer keep no newcomer waiting. */
export const ANNOUNCED_AT_ONCE_MAX = 8;
/** Results that are recorded together. */
export const PROBES_RECORDED_AT_ONCE_MAX = 32;
/** Hosts that are probed at once so that they hear of a peer that was shut out, and how long others shut out are waited for. */
export const TOLD_AT_ONCE_MAX = 32;
export const TELL_HOSTS_WAIT_MS = SECOND_MS;
/** How long an answer to presence waits for the first probe of a host; a slower one counts from the next answer on. */
export const FIRST_PROBE_WAIT_MS = 2_500;
/** Pauses after failed probes: longer each time. */
export const PROBE_PAUSE_MS_MIN = 30 * SECOND_MS;
export const PROBE_PAUSE_MS_MAX = 30 * MINUTE_MS;
/** Probes that one host brings about by announcing itself anew, within a time: its port is its own word. */
export const ANNOUNCED_PROBES_MAX = 20;
export const ANNOUNCED_PROBES_WINDOW_MS = 10 * MINUTE_MS;
/** Probes that tell together whether the broker's own network is down, and the fewest hosts that can tell it. */
export const PROBE_WITNESS_WINDOW_MS = MINUTE_MS;
export const PROBE_WITNESSES_MIN = 3;
/** How often the broker looks which hosts are due for an audit, how many it asks at once, and whose newest audits tell of it. */
export const AUDIT_TICK_MS = 10 * SECOND_MS;
export const AUDITS_AT_ONCE_MAX = 32;
export const AUDIT_WITNESS_WINDOW_MS = MINUTE_MS;
/** For how long the sizes of what a host holds are good enough, and how many of its shards are drawn for one challenge. */
export const AUDIT_HELD_COUNT_MS = DAY_MS / 4;
export const AUDIT_DRAWS_MAX = 32;
/** Days for which the outcomes of audits are counted by host. */
export const AUDIT_DAYS_KEPT = 90;
/** Content ids that are read at once for a keep-filter, and filters that are made at the same time. */
export const KNOWN_CONTENTS_AT_ONCE = 2_000;
export const KEEP_FILTERS_AT_ONCE_MAX = 32;
/** How long a host is asked to keep what it seemed to have lost. */
export const LOST_PLACES_KEPT_MS = 31 * DAY_MS;
/** Ports below are those of other services, except HTTPS. */
export const HOST_PORT_MIN = 1_024;

/** Sites that a limit per minute remembers, and the networks of 64 bits that it remembers of each. */
export const RATED_SITES_MAX = 10_000;
export const NETWORKS_PER_SITE_MAX = 64;

/** Machines that may wait for a person's approval: in all, from one remote network, and from one IPv6 site. */
export const DEVICE_GRANTS_MAX = 10_000;
export const DEVICE_GRANTS_PER_NETWORK_MAX = 64;
export const DEVICE_GRANTS_PER_SITE_MAX = 256;
/** Each machine polls under one code; a code that has expired is remembered until the next round of forgetting. */
export const POLLING_MACHINES_MAX = 2 * DEVICE_GRANTS_MAX;
export const POLL_INTERVAL_MS_MAX = MINUTE_MS;

/**
 * Wrong user codes before a session, an account in all of its sessions, or a whole network is locked out, and for how
 * long. A code is one of 20^8: with the most machines waiting, a network that never stops guesses one of them in about
 * four years.
 */
export const CODE_GUESSES_PER_SESSION_MAX = 5;
export const CODE_GUESSES_PER_ACCOUNT_MAX = 10;
assert(CODE_GUESSES_PER_SESSION_MAX <= CODE_GUESSES_PER_ACCOUNT_MAX);
export const CODE_GUESSES_PER_NETWORK_MAX = 20;
export const CODE_LOCK_OUT_MS = 15 * MINUTE_MS;
export const CODE_GUESSERS_MAX = 100_000;

/**
 * How far a message may be ahead of the broker's clock. It bounds what a restart forgets: a message from ahead that
 * was taken just before one would be made after it, and could be taken again.
 */
export const CREATED_AHEAD_MS_MAX = 5 * SECOND_MS;

/** Messages of one peer that the nonce list remembers, so that one peer cannot fill it for all. */
export const NONCE_LIST_ENTRIES_PER_PEER_MAX = 50_000;
assert(NONCE_LIST_ENTRIES_PER_PEER_MAX <= NONCE_LIST_ENTRIES_MAX / 20);

/** Uses that one enrolment key may have, and the longest it may be valid. */
export const ENROLMENT_KEY_USES_MAX = 10_000;
export const ENROLMENT_KEY_LIFE_MS_MAX = 365 * DAY_MS;

/** Transactions that one run of voiding takes in one write unit. */
export const VOIDED_AT_ONCE_MAX = 500;
export const VOID_INTERVAL_MS = MINUTE_MS;

/** How often the load is looked at. */
export const LOAD_SAMPLE_MS = SECOND_MS;

/** Rows of transactions that one answer of reports may touch in one write unit; more are taken in several units. */
export const REPORTED_ROWS_PER_UNIT_MAX = 32_768;

/** Transactions that one write unit sums up and deletes. */
export const ROLLED_UP_AT_ONCE_MAX = 1_000;

/** Kinds of refusals that are counted in memory between two writings; past it they are counted without names. */
export const REFUSAL_COUNTS_MAX = 10_000;

/** How long counts of failures are kept. */
export const FAILURES_KEPT_MS = 30 * DAY_MS;

/** How far a session's last use may lag behind, so that not every page is a write. */
export const SESSION_SEEN_STEP_MS = MINUTE_MS;

/** Passwords that wait for the one thread that hashes them; past it people are told to come back. */
export const PASSWORDS_WAITING_MAX = 64;

/** Accounts, networks and pairs of both whose failed sign-ins are remembered; past it everybody new needs a CAPTCHA. */
export const SIGN_IN_FAILURES_KEYS_MAX = 50_000;

/** Networks of an account that signed in, so that failures from elsewhere do not lock its owner out. */
export const KNOWN_NETWORKS_PER_ACCOUNT_MAX = 16;
export const KNOWN_NETWORK_LIFE_MS = 180 * DAY_MS;

/** How long the links in mails work, and how many of them may be open. */
export const REGISTRATION_LINK_LIFE_MS = DAY_MS;
export const RESET_LINK_LIFE_MS = 60 * MINUTE_MS;
export const MAIL_LINKS_MAX = 100_000;
/** Passwords that may be tried on one registration link. */
export const LINK_ATTEMPTS_MAX = 10;

/** How recently the password must have been given for what cannot be undone. */
export const FRESH_SIGN_IN_MS = 15 * MINUTE_MS;

/** Recoveries from escrow: how often one machine may ask, how many wait in an account, and what is kept of each kind of event. */
export const RECOVERY_ASKS_MAX = 8;
export const RECOVERIES_WAITING_PER_ACCOUNT_MAX = 8;
export const ESCROW_EVENTS_KEPT_MAX = 20;

/** Connections and times of the HTTPS listener; Node itself has no limit and waits for minutes. */
export const CONNECTIONS_MAX = 10_000;
/** Of one network (networkOf): enough for a company behind one address, too few to keep everybody else out. */
export const CONNECTIONS_PER_NETWORK_MAX = 1_024;
assert(CONNECTIONS_PER_NETWORK_MAX <= CONNECTIONS_MAX / 8);
/** Connections that were refused are logged once in this time. */
export const REFUSED_CONNECTIONS_LOG_MS = MINUTE_MS;
/** Node waits two minutes for a TLS handshake. */
export const HANDSHAKE_TIMEOUT_MS = 10 * SECOND_MS;
export const HEADERS_TIMEOUT_MS = 10 * SECOND_MS;
export const REQUEST_TIMEOUT_MS = 60 * SECOND_MS;
export const KEEP_ALIVE_TIMEOUT_MS = 75 * SECOND_MS;

/** How long a stopping broker waits for the requests that run. */
export const DRAIN_MS_MAX = 15 * SECOND_MS;

/** How often the broker looks whether its own certificate is past half of its life. */
export const OWN_CERTIFICATE_CHECK_MS = 60 * MINUTE_MS;
export const CA_LIFE_MS = 10 * 365 * DAY_MS;

/** Transaction keys drawn ahead of time, and below how many the pool is filled up again. */
export const KEY_POOL_SIZE = 256;
export const KEY_POOL_LOW_WATER = 128;
assert(KEY_POOL_LOW_WATER <= KEY_POOL_SIZE);

/** How often the key pool is looked after, and the counts of transactions are written down. */
export const KEY_UPKEEP_MS = 5 * SECOND_MS;
/** Transactions of one key that are counted in memory alone, and keys whose counts share a write unit. */
export const UNWRITTEN_TRANSACTIONS_MAX = 4_096;
export const COUNTS_WRITTEN_AT_ONCE_MAX = 500;

/** How often the broker looks for what another process of its operator changed: states of peers, a rotation asked for. */
export const CHANGES_INTERVAL_MS = SECOND_MS;
export const CHANGES_READ_AT_ONCE_MAX = 1_000;

/** Rows that a rotation of the key-encryption key writes in one unit, and seals before others get their turn. */
export const REWRAPPED_AT_ONCE_MAX = 512;
export const SEALED_AT_ONCE_MAX = 64;

/** Requests to put that share a unit of the database: enough to spread its statements, little enough to be quick. */
export const PUTS_TOGETHER_MAX = 64;
/** Requests to put that may wait for the database. */
export const PUTS_WAITING_MAX = 2_048;

// Repairs: how often the queue is tended, objects that are looked at in one unit, and pages of them in one run.
export const REPAIR_TICK_MS = 15 * SECOND_MS;
export const REPAIR_OBJECTS_PER_UNIT = 200;
export const REPAIR_PAGES_PER_RUN = 50;
export const REPAIR_TASKS_AT_ONCE_MAX = 100;
export const REPAIR_REWARDS_AT_ONCE_MAX = 200;
/** Objects that are looked at before a worker hears that there is nothing for it, and when it may ask again. */
export const REPAIRS_LOOKED_AT_PER_TASK = 16;
export const REPAIR_ASK_AGAIN_MS = MINUTE_MS;
/** For so long an object is not given to a worker that failed at it; one that failed so often, and more than it did, gets none. */
export const REPAIR_FAILURES_REMEMBERED_MS = DAY_MS;
export const REPAIR_FAILURES_MAX = 5;
export const REPAIR_TASKS_KEPT_MS = 90 * DAY_MS;

/** How long a signing key is told before it signs; keys of one use that are told; how often keys are looked after. */
export const SIGNING_KEY_ANNOUNCED_MS = DAY_MS;
export const SIGNING_KEYS_PER_USE_MAX = 5;
export const SIGNING_TICK_MS = 10 * MINUTE_MS;
assert(3 * SIGNING_KEYS_PER_USE_MAX <= SIGNING_KEYS_MAX);
// A lease is checked by a key that is told: two days of two keys outlive it.
assert(LEASE_LIFE_MS_MAX <= 2 * SIGNING_KEY_ANNOUNCED_MS);

/** Suffixes that are tried for a name that somebody has already. */
export const NAME_CLAIMS_MAX = 16;
/** Reach leases that are kept for further answers to the same client, and how long after its end a lease's bytes are taken. */
export const REACH_LEASES_KEPT_MAX = 100_000;
export const RELAY_USAGE_KEPT_MS = 6 * DAY_MS;
/** Leases of a relay's report that are checked before others get their turn. */
export const LEASES_READ_AT_ONCE_MAX = 64;
/** Hosts with a relay that are tried without it in one run, and at once. */
export const DIRECT_PROBES_PER_RUN_MAX = 64;
export const DIRECT_PROBES_AT_ONCE_MAX = 8;
/** DNS: the largest answer, queries that one /24 or /48 may make in a minute, look-ups at once, and how long an answer is remembered. */
export const DNS_ANSWER_BYTES_MAX = 512;
export const DNS_QUERIES_PER_MINUTE_MAX = 1_200;
export const DNS_LOOKUPS_AT_ONCE_MAX = 64;
export const DNS_TTL_SECONDS = 30;
/** Look-ups of names that one network may make in a minute. */
export const NAME_LOOKUPS_PER_MINUTE_MAX = 600;
