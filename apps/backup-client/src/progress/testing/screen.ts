// A terminal's screen for tests: what a person sees after all that was written, with wrapping and reflow on a resize.
import { widthOf } from '../text-width.js';

interface Row {
  cells: string[];
  /** The line goes on in the next row. */
  wraps: boolean;
}

export class Screen {
  readonly isTTY = true;
  /** All that was written, as it was. */
  written = '';
  private physical: Row[] = [{ cells: [], wraps: false }];
  private row = 0;
  private column = 0;

  constructor(
    public columns = 80,
    public rows = 24,
  ) {}

  get text(): string[] {
    return this.physical.map(({ cells }) => cells.join('').trimEnd());
  }

  write(text: string): boolean {
    this.written += text;
    for (const match of text.matchAll(/\p{Cc}\[(\d*)([AJK])|\r|\n|\P{Cc}\p{M}*/gu)) this.take(match);
    return true;
  }

  /** Change the width; lines flow anew, as in a terminal that people use today. */
  resize(columns: number): void {
    const lines: string[][] = [[]];
    let cursorLine = 0;
    let cursorAt = 0;
    this.physical.forEach(({ cells, wraps }, index) => {
      if (index === this.row) {
        cursorLine = lines.length - 1;
        cursorAt = lines.at(-1)!.length + this.column;
      }
      lines.at(-1)!.push(...cells);
      if (!wraps && index < this.physical.length - 1) lines.push([]);
    });
    this.columns = columns;
    this.physical = [];
    lines.forEach((line, index) => {
      const count = Math.max(1, Math.ceil(line.length / columns));
      if (index === cursorLine) {
        const down = Math.min(count - 1, Math.floor(cursorAt / columns));
        this.row = this.physical.length + down;
        this.column = Math.min(cursorAt - down * columns, columns);
      }
      for (let i = 0; i < count; i++) {
        this.physical.push({ cells: line.slice(i * columns, (i + 1) * columns), wraps: i < count - 1 });
      }
    });
  }

  private take([text, count, command]: RegExpMatchArray): void {
    if (command === 'A') this.row = Math.max(0, this.row - Number(count || 1));
    else if (command === 'K') this.clearLine();
    else if (command === 'J') {
      this.clearLine();
      this.physical.length = this.row + 1;
    } else if (text === '\r') this.column = 0;
    else if (text === '\n') this.down(false);
    else this.put(text);
  }

  private clearLine(): void {
    this.physical[this.row]!.cells.length = Math.min(this.physical[this.row]!.cells.length, this.column);
    this.physical[this.row]!.wraps = false;
  }

  private down(wraps: boolean): void {
    this.physical[this.row]!.wraps = wraps;
    this.row++;
    this.column = 0;
    if (this.row === this.physical.length) this.physical.push({ cells: [], wraps: false });
  }

  /** A wide character takes two cells, the second empty. */
  private put(character: string): void {
    const width = widthOf(character);
    if (this.column + width > this.columns) this.down(true);
    const { cells } = this.physical[this.row]!;
    while (cells.length < this.column) cells.push(' ');
    cells.splice(this.column, width, character, ...(width === 2 ? [''] : []));
    this.column += width;
  }
}
