// Looks for secrets where none may stand: each in every form in which bytes are written down.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { Log, type LogFields } from '#process';

/** A log as production writes it, errors with cause and stack and all levels, kept in memory. */
export class KeptText extends Log {
  private readonly lines: string[] = [];
  private readonly logger = pino({ level: 'debug' }, { write: (line: string) => void this.lines.push(line) });

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

  get text(): string {
    return this.lines.join('');
  }
}

/** Shorter ones would be found by chance. */
const BYTES_MIN = 8;

export class SecretHunt {
  private readonly forms = new Map<string, Buffer[]>();
  private readonly places = new Map<string, Buffer>();

  /** A secret that is bytes: looked for as such, in hex of both cases, and in both alphabets of base64 at each alignment. */
  bytes(name: string, secret: Uint8Array): void {
    const bytes = Buffer.from(secret);
    if (bytes.length < BYTES_MIN) throw new Error(`${name} is too short to be looked for`);
    const texts = [bytes.toString('hex'), bytes.toString('hex').toUpperCase()];
    for (const lead of [0, 1, 2]) {
      // Without the characters that share bits with what stands before and behind.
      const whole = Buffer.concat([Buffer.alloc(lead), bytes])
        .toString('base64')
        .replace(/=+$/, '');
      const inner = whole.slice(lead === 0 ? 0 : lead + 1, -1);
      texts.push(inner, inner.replaceAll('+', '-').replaceAll('/', '_'));
    }
    this.add(name, [bytes, ...texts.map((text) => Buffer.from(text))]);
  }

  /** A secret that is text: as it is, as JSON and an address write it, and as bytes. */
  text(name: string, secret: string): void {
    if (secret.length < BYTES_MIN) throw new Error(`${name} is too short to be looked for`);
    this.add(
      name,
      [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)].map((text) => Buffer.from(text)),
    );
    this.bytes(name, Buffer.from(secret));
  }

  /** A place where no secret may stand. */
  place(name: string, content: string | Uint8Array): void {
    this.places.set(name, Buffer.from(content));
  }

  /** Every file of a folder whose name fits; a database with its write-ahead log. */
  async files(folder: string, fits: RegExp): Promise<void> {
    for (const file of await readdir(folder)) {
      if (fits.test(file)) this.place(join(folder, file), await readFile(join(folder, file)));
    }
  }

  get secrets(): number {
    return this.forms.size;
  }

  get searched(): { readonly places: number; readonly bytes: number } {
    return { places: this.places.size, bytes: [...this.places.values()].reduce((sum, { length }) => sum + length, 0) };
  }

  /** `secret in place`, for each that stands where it must not. */
  findings(): string[] {
    const found: string[] = [];
    for (const [place, content] of this.places) {
      for (const [secret, forms] of this.forms) {
        if (forms.some((form) => content.includes(form))) found.push(`${secret} in ${place}`);
      }
    }
    return found;
  }

  private add(name: string, forms: readonly Buffer[]): void {
    this.forms.set(name, [...(this.forms.get(name) ?? []), ...forms]);
  }
}
