// The rows of conditions, alerts and posts.
import type { EntityManager } from 'typeorm';
import { changeMany, changeOne, insertRows } from '#database';
import type { AlertKind } from './alert-kinds.js';
import type { AlertStep, ConditionState } from './decide-alerts.js';

type Numeric = number | string;

interface ConditionRow {
  readonly kind: AlertKind;
  readonly bad_since_ms: Numeric | null;
  readonly good_since_ms: Numeric | null;
  readonly alert_id: string | null;
  readonly told_at_ms: Numeric | null;
}

export async function readConditions(db: EntityManager): Promise<Map<AlertKind, ConditionState>> {
  const rows = await db.query<ConditionRow[]>('SELECT * FROM alert_conditions');
  return new Map(
    rows.map((row) => [
      row.kind,
      {
        badSinceMs: timeOf(row.bad_since_ms),
        goodSinceMs: timeOf(row.good_since_ms),
        alertId: row.alert_id,
        toldAtMs: timeOf(row.told_at_ms),
      },
    ]),
  );
}

export async function writeConditions(
  db: EntityManager,
  states: ReadonlyMap<AlertKind, ConditionState>,
): Promise<void> {
  await changeMany(db, 'DELETE FROM alert_conditions', []);
  const rows = [...states].map(([kind, state]) => [
    kind,
    state.badSinceMs,
    state.goodSinceMs,
    state.alertId,
    state.toldAtMs,
  ]);
  const columns = ['kind', 'bad_since_ms', 'good_since_ms', 'alert_id', 'told_at_ms'];
  await insertRows(db, { table: 'alert_conditions', columns }, rows);
}

export async function keepStep(
  db: EntityManager,
  { kind, step, alertId, detail }: AlertStep,
  nowMs: number,
): Promise<void> {
  if (step === 'begin') {
    await insertRows(db, { table: 'alerts', columns: ['id', 'kind', 'detail', 'began_at_ms'] }, [
      [alertId, kind, detail, nowMs],
    ]);
  } else if (step === 'end') {
    await changeOne(db, 'UPDATE alerts SET ended_at_ms = $1 WHERE id = $2', [nowMs, alertId]);
  } else {
    await changeOne(db, 'UPDATE alerts SET detail = $1 WHERE id = $2', [detail, alertId]);
  }
}

export async function beganAtMs(db: EntityManager, alertId: string): Promise<number> {
  const [row] = await db.query<{ began_at_ms: Numeric }[]>('SELECT began_at_ms FROM alerts WHERE id = $1', [alertId]);
  return Number(row!.began_at_ms);
}

export async function forgetAlerts(db: EntityManager, endedBeforeMs: number): Promise<void> {
  await changeMany(db, 'DELETE FROM alerts WHERE ended_at_ms < $1', [endedBeforeMs]);
}

export interface Post {
  readonly id: string;
  readonly document: unknown;
  readonly tries: number;
  readonly madeAtMs: number;
}

/** False where too many wait. */
export async function addPost(
  db: EntityManager,
  { id, document, nowMs, waitingMax }: { id: string; document: unknown; nowMs: number; waitingMax: number },
): Promise<boolean> {
  const [row] = await db.query<{ waiting: Numeric }[]>('SELECT COUNT(*) AS waiting FROM alert_posts');
  if (Number(row!.waiting) >= waitingMax) return false;
  await insertRows(db, { table: 'alert_posts', columns: ['id', 'document', 'tries', 'made_at_ms', 'due_at_ms'] }, [
    [id, JSON.stringify(document), 0, nowMs, nowMs],
  ]);
  return true;
}

/** The one that was made first, if its next try is due: what is told later is told after it. */
export async function nextPost(db: EntityManager, nowMs: number): Promise<Post | null> {
  const [row] = await db.query<
    { id: string; document: string; tries: number; made_at_ms: Numeric; due_at_ms: Numeric }[]
  >('SELECT * FROM alert_posts ORDER BY id LIMIT 1');
  if (row === undefined || Number(row.due_at_ms) > nowMs) return null;
  return { id: row.id, document: JSON.parse(row.document), tries: row.tries, madeAtMs: Number(row.made_at_ms) };
}

export async function dropPost(db: EntityManager, id: string): Promise<void> {
  await changeOne(db, 'DELETE FROM alert_posts WHERE id = $1', [id]);
}

export async function putPostOff(db: EntityManager, id: string, dueAtMs: number): Promise<void> {
  await changeOne(db, 'UPDATE alert_posts SET tries = tries + 1, due_at_ms = $1 WHERE id = $2', [dueAtMs, id]);
}

function timeOf(value: Numeric | null): number | null {
  return value === null ? null : Number(value);
}
