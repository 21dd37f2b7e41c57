// What a hook or a webhook is told: that a backup is overdue, or that one failed. Pure.
import { formatTime } from '#protocol';
import type { SetStanding } from './decide-overdue.js';
import type { BackupRun } from './run-log.js';

export interface Warning {
  readonly event: 'backup_overdue' | 'backup_failed';
  readonly atMs: number;
  /** The peer: its name and its id. */
  readonly machine: string;
  readonly peerId: string;
  readonly set: string | null;
  readonly lastSuccessAtMs: number | null;
  readonly daysWithoutSuccess: number | null;
  /** Of the run that failed last. */
  readonly code: string | null;
  readonly message: string | null;
}

type Machine = Pick<Warning, 'machine' | 'peerId' | 'atMs'>;

export function overdueWarning(machine: Machine, standing: SetStanding): Warning {
  const { set, lastSuccess, lastRun, days } = standing;
  return {
    event: 'backup_overdue',
    ...machine,
    set,
    lastSuccessAtMs: lastSuccess?.endedAtMs ?? null,
    daysWithoutSuccess: Math.floor(days),
    code: lastRun?.code ?? null,
    message: lastRun?.message ?? null,
  };
}

export function failureWarning(machine: Machine, run: BackupRun, lastSuccess: BackupRun | null): Warning {
  return {
    event: 'backup_failed',
    ...machine,
    set: run.set,
    lastSuccessAtMs: lastSuccess?.endedAtMs ?? null,
    daysWithoutSuccess: null,
    code: run.code ?? null,
    message: run.message ?? null,
  };
}

/** The document that a webhook gets: members that are not known are null. */
export function webhookDocument(warning: Warning): Record<string, string | number | null> {
  return {
    event: warning.event,
    time: formatTime(warning.atMs),
    machine: warning.machine,
    peer_id: warning.peerId,
    set: warning.set,
    last_success: warning.lastSuccessAtMs === null ? null : formatTime(warning.lastSuccessAtMs),
    days_without_success: warning.daysWithoutSuccess,
    code: warning.code,
    message: warning.message,
  };
}

/** The variables that a hook gets: PEERKEEP_EVENT, PEERKEEP_SET, ...; what is not known is empty. */
export function hookVariables(warning: Warning): Record<string, string> {
  return Object.fromEntries(
    // A variable cannot hold a NUL.
    Object.entries(webhookDocument(warning)).map(([name, value]) => [
      `PEERKEEP_${name.toUpperCase()}`,
      String(value ?? '').replaceAll('\0', ''),
    ]),
  );
}
