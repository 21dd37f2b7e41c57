// A stream that keeps what is written to it, for tests of what a command prints.
export class RecordedOutput {
  text = '';

  constructor(
    readonly isTTY = false,
    readonly columns = 80,
  ) {}

  write(text: string): boolean {
    this.text += text;
    return true;
  }
}
