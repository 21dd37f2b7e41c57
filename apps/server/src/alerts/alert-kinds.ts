// Everything that the operator may be told of, in words, and for how long it must last.
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

export const ALERT_KINDS = [
  'ledger_faults',
  'audits_at_fault',
  'objects_at_risk',
  'few_hosts',
  'capacity_nearly_used',
  'certificate_ending',
  'refusals_storm',
  'mail_failing',
  'disk_nearly_full',
  'write_queue_long',
  'probes_failing',
  'relays_gone',
] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

interface AlertWords {
  readonly title: string;
  readonly raiseAfterMs: number;
}

export const ALERT_WORDS: Readonly<Record<AlertKind, AlertWords>> = {
  ledger_faults: { title: 'The ledger does not add up', raiseAfterMs: 0 },
  audits_at_fault: { title: 'Hardly any host shows what it should have', raiseAfterMs: 5 * MINUTE_MS },
  objects_at_risk: { title: 'Objects lack shards, and are not repaired', raiseAfterMs: 10 * MINUTE_MS },
  few_hosts: { title: 'Too few hosts take shards', raiseAfterMs: 10 * MINUTE_MS },
  capacity_nearly_used: { title: 'Nearly all of the donated space is used', raiseAfterMs: HOUR_MS },
  certificate_ending: { title: 'The certificate authority comes to its end', raiseAfterMs: 0 },
  refusals_storm: { title: 'Very many requests are refused', raiseAfterMs: 5 * MINUTE_MS },
  mail_failing: { title: 'Mails cannot be sent', raiseAfterMs: 15 * MINUTE_MS },
  disk_nearly_full: { title: 'The disk of the broker is nearly full', raiseAfterMs: 5 * MINUTE_MS },
  write_queue_long: { title: 'The database cannot keep up', raiseAfterMs: 2 * MINUTE_MS },
  probes_failing: { title: 'Many hosts do not answer probes', raiseAfterMs: 15 * MINUTE_MS },
  relays_gone: { title: 'No relay is there', raiseAfterMs: 2 * MINUTE_MS },
};
