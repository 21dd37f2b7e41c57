// Structured logging: events with fields, one JSON line each on stderr. Never keys, tokens or plaintext names.
import { pino } from 'pino';

export type LogFields = { readonly event: string } & Readonly<Record<string, unknown>>;

export abstract class Log {
  abstract debug(fields: LogFields): void;
  abstract info(fields: LogFields): void;
  abstract warn(fields: LogFields): void;
  abstract error(fields: LogFields): void;
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

class PinoLog extends Log {
  constructor(private readonly logger: pino.Logger) {
    super();
  }

  debug(fields: LogFields): void {
    this.logger.debug(fields);
  }

  info(fields: LogFields): void {
    this.logger.info(fields);
  }

  warn(fields: LogFields): void {
    this.logger.warn(fields);
  }

  error(fields: LogFields): void {
    this.logger.error(fields);
  }
}

/** A log to file descriptor 2; `program` stands in every line. An `err` field is written with its cause and stack. */
export function openLog(program: string, level: LogLevel): Log {
  return new PinoLog(
    pino(
      { level, base: { program }, timestamp: pino.stdTimeFunctions.isoTime },
      pino.destination({ fd: 2, sync: true }),
    ),
  );
}
