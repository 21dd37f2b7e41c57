// A log that keeps every line, so that a test can look for what must be there, and for what must not.
import { Log, type LogFields } from '#process';

export class KeptLog extends Log {
  readonly lines: string[] = [];

  debug(fields: LogFields): void {
    this.lines.push(JSON.stringify(fields, withErrors));
  }

  info(fields: LogFields): void {
    this.debug(fields);
  }

  warn(fields: LogFields): void {
    this.debug(fields);
  }

  error(fields: LogFields): void {
    this.debug(fields);
  }
}

/** JSON leaves an error's text out by itself. */
const withErrors = (_key: string, value: unknown): unknown =>
  value instanceof Error ? { ...value, text: String(value), stack: value.stack, cause: value.cause } : value;
