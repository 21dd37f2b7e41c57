// Which units a home's schedule has: a service and a timer for each backup, and a pair that warns of overdue ones. Pure.
import { createHash } from 'node:crypto';
import { type BackupSet, onCalendarOf, parseCadence } from '#backup';
import { EXIT } from '../exit-codes.js';
import { serviceUnit, timerUnit } from './unit-files.js';
import type { Unit } from './user-units.js';

export interface UnitPlace {
  /** Absolute. */
  readonly homePath: string;
  /** The home that a command takes which is told nothing: its units need no mark of their home. */
  readonly isDefaultHome: boolean;
  /** What starts this program: node and the script, by absolute paths. */
  readonly program: readonly string[];
}

/** `peerkeep-backup-NAME.service` and `.timer`; other homes than the default have a mark of their path in the name. */
export function unitNamesOf(name: string, place: UnitPlace): { service: string; timer: string } {
  const base = `peerkeep-backup-${name}${markOf(place)}`;
  return { service: `${base}.service`, timer: `${base}.timer` };
}

export function warningUnitNames(place: UnitPlace): { service: string; timer: string } {
  const base = `peerkeep-warn${markOf(place)}`;
  return { service: `${base}.service`, timer: `${base}.timer` };
}

export function backupUnits(set: BackupSet, place: UnitPlace): Unit[] {
  const { service, timer } = unitNamesOf(set.name, place);
  const { jitterMinutes } = set.schedule ?? { jitterMinutes: 0 };
  const description = `Peerkeep backup "${set.name}"`;
  return [
    {
      name: service,
      text: serviceUnit({
        description,
        command: [...place.program, 'schedule', 'run', set.name, '--home', place.homePath],
        environment: { PEERKEEP_HOME: place.homePath },
        // Files that could not be read are named in the journal, and are no failure of the backup.
        alsoFine: [EXIT.incomplete],
      }),
    },
    {
      name: timer,
      text: timerUnit({ description, onCalendar: calendarOf(set), jitterSeconds: jitterMinutes * 60 }),
    },
  ];
}

/** Looks every six hours whether a backup is overdue. */
export function warningUnits(place: UnitPlace): Unit[] {
  const { service, timer } = warningUnitNames(place);
  const description = 'Peerkeep: warn when no backup succeeded for too long';
  return [
    {
      name: service,
      text: serviceUnit({
        description,
        command: [...place.program, 'status', '--warn', '--home', place.homePath],
        environment: { PEERKEEP_HOME: place.homePath },
        alsoFine: [EXIT.overdue],
      }),
    },
    { name: timer, text: timerUnit({ description, onCalendar: '*-*-* 00/6:30:00', jitterSeconds: 600 }) },
  ];
}

/** When a set runs, in systemd's words. */
export function calendarOf({ schedule }: BackupSet): string {
  return schedule?.onCalendar ?? onCalendarOf(parseCadence(schedule ?? {}));
}

function markOf({ homePath, isDefaultHome }: UnitPlace): string {
  return isDefaultHome ? '' : `-${createHash('sha256').update(homePath).digest('hex').slice(0, 8)}`;
}
