// A few lines at the foot of a terminal that are written over in place, without flicker, also when its size changes.
import type { Output } from '../terminal.js';
import { widthOf } from './text-width.js';

const ERASE_TO_LINE_END = '\u001b[K';
const ERASE_BELOW = '\u001b[J';

type Lines = (size: { columns: number; rows: number }) => readonly string[];

export class PaintedBlock {
  private painted: readonly string[] = [];
  private lines: Lines | null = null;

  constructor(private readonly output: Output) {}

  /** Paint over what is painted: one write, and no line is empty in between. */
  paint(lines: Lines): void {
    this.lines = lines;
    const { columns = 0, rows = 0 } = this.output;
    const next = lines({ columns, rows });
    this.output.write(`${this.toTop()}${next.map((line) => line + ERASE_TO_LINE_END).join('\n')}${ERASE_BELOW}`);
    this.painted = next;
  }

  repaint(): void {
    if (this.lines !== null) this.paint(this.lines);
  }

  /** Write something that stays, above the block. */
  above(write: () => void): void {
    if (this.painted.length === 0) return void write();
    const { lines } = this;
    this.erase();
    write();
    if (lines !== null) this.paint(lines);
  }

  erase(): void {
    if (this.painted.length > 0) this.output.write(this.toTop() + ERASE_BELOW);
    this.forget();
  }

  forget(): void {
    this.painted = [];
    this.lines = null;
  }

  /** To the first column of the first row of what is painted. A terminal that became narrower has wrapped its lines. */
  private toTop(): string {
    const columns = this.output.columns || Number.POSITIVE_INFINITY;
    const rows = this.painted.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / columns)), 0);
    return rows > 1 ? `\r\u001b[${rows - 1}A` : '\r';
  }
}
