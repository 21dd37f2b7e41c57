// --limit-upload and --limit-download, as restic has them: KiB a second, for this run, in place of what is configured.
import type { Command } from 'commander';
import type { LimitWish } from '#backup';
import { ProtocolError } from '#protocol';

/** As commander reads them; a command without them has none. */
export interface LimitOptions {
  readonly limitUpload?: string;
  readonly limitDownload?: string;
}

export function withLimits(command: Command): Command {
  return command
    .option('--limit-upload <kib>', 'send at most so many KiB a second; 0 is no limit')
    .option('--limit-download <kib>', 'receive at most so many KiB a second; 0 is no limit');
}

/** throws usage */
export function limitWishOf({ limitUpload, limitDownload }: LimitOptions): LimitWish {
  return {
    ...(limitUpload !== undefined && { uploadKib: parseKib('--limit-upload', limitUpload) }),
    ...(limitDownload !== undefined && { downloadKib: parseKib('--limit-download', limitDownload) }),
  };
}

function parseKib(option: string, text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new ProtocolError('usage', {}, { detail: `${option} takes a whole number of KiB a second; not "${text}"` });
}
