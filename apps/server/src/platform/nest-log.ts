// Nest's own warnings and errors go into the structured log; its greetings go nowhere.
import type { LoggerService } from '@nestjs/common';
import type { Log } from '#process';

export class NestLog implements LoggerService {
  constructor(private readonly logger: Log) {}

  log(): void {}

  debug(): void {}

  verbose(): void {}

  warn(message: unknown): void {
    this.logger.warn({ event: 'framework_warning', message: String(message) });
  }

  error(message: unknown): void {
    this.logger.error({ event: 'framework_error', message: String(message) });
  }

  fatal(message: unknown): void {
    this.error(message);
  }
}
