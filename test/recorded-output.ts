// A stream that keeps what is written to it, for tests of what a command prints.
export class RecordedOutput {
  text = '';

  constructor(
    readonly isTTY = false,
    readonly columns = 80,
  ) {}

  write(text: string | Uint8Array, done?: () => void): boolean {
    this.text += typeof text === 'string' ? text : Buffer.from(text).toString();
    done?.();
    return true;
  }
}
