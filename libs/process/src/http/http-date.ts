// Times as HTTP writes them (RFC 9110 §5.6.7). Pure.

/** As HTTP writes times; those before and after what it can write become the nearest. */
export function httpDate(ms: number): string {
  return new Date(Math.min(Math.max(ms, DATE_MS_MIN), DATE_MS_MAX)).toUTCString();
}

const DATE_MS_MIN = Date.UTC(1601, 0, 1);
const DATE_MS_MAX = Date.UTC(9999, 11, 31, 23, 59, 59);
