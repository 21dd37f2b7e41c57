// Time zones for tests, whatever the zone of the machine that runs them.
import type { OffsetMinutesOf } from './local-calendar.js';

/** How far a zone of the IANA database is ahead of UTC. */
export function zone(name: string): OffsetMinutesOf {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  return (ms) => {
    const text = format.formatToParts(ms).find(({ type }) => type === 'timeZoneName')!.value;
    const [, sign, hours, minutes] = /^GMT(?:([+-])(\d\d):(\d\d))?$/.exec(text)!;
    return sign === undefined ? 0 : (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
  };
}
