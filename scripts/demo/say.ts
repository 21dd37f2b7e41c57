// What the demo prints: one line a step, and a progress line that is written over, on a terminal only.

export function say(subject: string, text: string): void {
  clearProgress();
  process.stdout.write(`${subject.padStart(8)}  ${text}\n`);
}

export interface Progress {
  readonly filesDone: number;
  readonly bytesDone: number;
}

let lastMs = 0;
let shown = false;

export function sayProgress(what: string, progress: Progress): void {
  const nowMs = performance.now();
  if (!process.stdout.isTTY || nowMs - lastMs < 100) return;
  lastMs = nowMs;
  shown = true;
  const { filesDone, bytesDone } = progress;
  process.stdout.write(`\r\x1b[K${what.padStart(8)}  ${filesDone} files, ${(bytesDone / 1e6).toFixed(1)} MB`);
}

function clearProgress(): void {
  if (shown) process.stdout.write('\r\x1b[K');
  shown = false;
}
