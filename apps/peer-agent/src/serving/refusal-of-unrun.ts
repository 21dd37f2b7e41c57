// What a peer hears of a unit of writes that failed.
import { UnitNotRun } from '#database';
import { type ErrorCode, isRefusal } from '#protocol';

/** The code when the unit was never run; null when it may have been. */
export function refusalOfUnrun(error: unknown): ErrorCode | null {
  if (error instanceof UnitNotRun || isRefusal(error, 'overloaded')) return 'host_busy';
  return isRefusal(error, 'stopping') ? 'host_stopping' : null;
}
