// How fast this machine may send and receive, by the hour: what the configuration says, or a command in its place.
import { ProtocolError } from '#protocol';
import { WEEKDAYS } from './cadence.js';
import { LIMIT_KIB_MIN, type LimitsConfig, readClientConfig } from './client-config.js';

/** KiB a second; 0 is no limit. */
export interface LimitsInForce {
  readonly uploadKib: number;
  readonly downloadKib: number;
}

/** What holds now, whatever the configuration says; what is missing is as configured. */
export type LimitWish = Partial<LimitsInForce>;

const KIB_MAX = 1_000_000_000;
const DAY_MINUTES = 24 * 60;

/**
 * The limits at a time, by this machine's clock and zone. Pure but for the zone.
 *
 * nowMs   Unix ms
 */
export function limitsAt(config: LimitsConfig, nowMs: number): LimitsInForce {
  const rule = config.schedule.find((each) => holdsAt(each, new Date(nowMs)));
  return {
    uploadKib: rule?.limitUpload ?? config.limitUpload,
    downloadKib: rule?.limitDownload ?? config.limitDownload,
  };
}

/**
 * What a home's configuration and a command say together, to be asked at any time.
 *
 * throws   config_invalid | config_exposed | local_disk | usage
 */
export async function readTransferLimits(
  homePath: string,
  wish: LimitWish = {},
): Promise<(nowMs: number) => LimitsInForce> {
  checkLimit(wish.uploadKib);
  checkLimit(wish.downloadKib);
  const { limits } = await readClientConfig(homePath);
  return (nowMs) => ({ ...limitsAt(limits, nowMs), ...wish });
}

function checkLimit(kib: number | undefined): void {
  if (kib === undefined || kib === 0) return;
  if (Number.isInteger(kib) && kib >= LIMIT_KIB_MIN && kib <= KIB_MAX) return;
  const detail = `a limit is a whole number of KiB/s, at least ${LIMIT_KIB_MIN}, or 0 for none: hosts end slower transfers`;
  throw new ProtocolError('usage', {}, { detail });
}

function holdsAt({ days, from, to }: LimitsConfig['schedule'][number], now: Date): boolean {
  const minute = now.getHours() * 60 + now.getMinutes();
  const [begins, ends] = [minutesOf(from), minutesOf(to)];
  const pastMidnight = ends <= begins;
  const beganToday = minute >= begins && (pastMidnight || minute < ends);
  const beganYesterday = pastMidnight && minute < ends;
  const isDay = (weekday: number): boolean => days?.includes(WEEKDAYS[(weekday + 7) % 7]!) ?? true;
  return (beganToday && isDay(now.getDay())) || (beganYesterday && isDay(now.getDay() - 1));
}

function minutesOf(time: string): number {
  const [hours, minutes] = time.split(':').map(Number);
  return (hours! * 60 + minutes!) % DAY_MINUTES;
}
