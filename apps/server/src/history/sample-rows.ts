// The rows of network_samples.
import type { EntityManager } from 'typeorm';
import { changeMany, insertRows } from '#database';
import { type NetworkSample, SAMPLED_STATES, type SampleStep } from './network-sample.js';

type Numeric = number | string;
type State = (typeof SAMPLED_STATES)[number];

export type SampleRow = Readonly<Record<State, Numeric>> & {
  readonly at_ms: Numeric;
  readonly online_hosts: Numeric;
  readonly donated_bytes: string;
  readonly used_bytes: string;
  readonly objects: Numeric;
  readonly objects_at_risk: Numeric;
  readonly repairs_waiting: Numeric;
  readonly audits_passed: Numeric;
  readonly audits_failed: Numeric;
  readonly audits_passed_ever: Numeric;
  readonly audits_failed_ever: Numeric;
  readonly credit_earned: string;
  readonly credit_used: string;
  readonly losses_per_host_year: number | null;
};

const PLAIN = [
  'step',
  'at_ms',
  ...SAMPLED_STATES,
  'online_hosts',
  'objects',
  'objects_at_risk',
  'repairs_waiting',
  'audits_passed',
  'audits_failed',
  'audits_passed_ever',
  'audits_failed_ever',
  'losses_per_host_year',
] as const;
/** They may pass 2^53, so they come and go as texts. */
const LARGE = ['donated_bytes', 'used_bytes', 'credit_earned', 'credit_used'] as const;

export const SELECT_SAMPLES = `SELECT ${PLAIN.join(', ')}, ${LARGE.map((name) => `CAST(${name} AS text) AS ${name}`).join(', ')} FROM network_samples`;

export async function readSample(db: EntityManager, step: SampleStep, atMs: number): Promise<NetworkSample | null> {
  const rows = await db.query<SampleRow[]>(`${SELECT_SAMPLES} WHERE step = $1 AND at_ms = $2`, [step, atMs]);
  return rows[0] === undefined ? null : sampleFrom(rows[0]);
}

export async function readLastHour(db: EntityManager): Promise<NetworkSample | null> {
  const rows = await db.query<SampleRow[]>(`${SELECT_SAMPLES} WHERE step = 'hour' ORDER BY at_ms DESC LIMIT 1`);
  return rows[0] === undefined ? null : sampleFrom(rows[0]);
}

/** In the place of the one that is there. */
export async function writeSample(
  db: EntityManager,
  step: SampleStep,
  atMs: number,
  sample: NetworkSample,
): Promise<void> {
  await changeMany(db, 'DELETE FROM network_samples WHERE step = $1 AND at_ms = $2', [step, atMs]);
  const values = [
    step,
    atMs,
    ...SAMPLED_STATES.map((state) => sample.peers[state]),
    sample.onlineHosts,
    sample.objects,
    sample.objectsAtRisk,
    sample.repairsWaiting,
    sample.auditsPassed,
    sample.auditsFailed,
    sample.auditsPassedEver,
    sample.auditsFailedEver,
    sample.lossesPerHostYear,
    ...[sample.donatedBytes, sample.usedBytes, sample.creditEarned, sample.creditUsed].map(String),
  ];
  await insertRows(db, { table: 'network_samples', columns: [...PLAIN, ...LARGE] }, [values]);
}

export async function forgetSamples(db: EntityManager, step: SampleStep, beforeMs: number): Promise<void> {
  await changeMany(db, 'DELETE FROM network_samples WHERE step = $1 AND at_ms < $2', [step, beforeMs]);
}

export function sampleFrom(row: SampleRow): NetworkSample {
  const states = SAMPLED_STATES.map((state) => [state, Number(row[state])] as const);
  return {
    peers: Object.fromEntries(states) as Record<State, number>,
    onlineHosts: Number(row.online_hosts),
    donatedBytes: BigInt(row.donated_bytes),
    usedBytes: BigInt(row.used_bytes),
    objects: Number(row.objects),
    objectsAtRisk: Number(row.objects_at_risk),
    repairsWaiting: Number(row.repairs_waiting),
    auditsPassed: Number(row.audits_passed),
    auditsFailed: Number(row.audits_failed),
    auditsPassedEver: Number(row.audits_passed_ever),
    auditsFailedEver: Number(row.audits_failed_ever),
    creditEarned: BigInt(row.credit_earned),
    creditUsed: BigInt(row.credit_used),
    lossesPerHostYear: row.losses_per_host_year,
  };
}
